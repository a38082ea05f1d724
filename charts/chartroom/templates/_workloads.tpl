{{/* What the pods need to let workloads in by their service account tokens. */}}

{{/* `tokenReview`, `jwks` or `off`; YAML reads a plain `off` as false. */}}
{{- define "chartroom.serviceAccountsMode" -}}
{{- if not .Values.serviceAccounts.mode }}off
{{- else if and (eq .Values.serviceAccounts.mode "tokenReview") (not .Values.rbac.clusterRole) }}jwks
{{- else }}{{ .Values.serviceAccounts.mode }}
{{- end }}
{{- end }}

{{- define "chartroom.callsCluster" -}}
{{- if ne (include "chartroom.serviceAccountsMode" .) "off" }}true{{ end }}
{{- end }}

{{- define "chartroom.workloadsEnv" -}}
- name: CHARTROOM_SERVICE_ACCOUNTS_MODE
  value: {{ include "chartroom.serviceAccountsMode" . | quote }}
{{- if include "chartroom.callsCluster" . }}
- name: CHARTROOM_SERVICE_ACCOUNTS_AUDIENCE
  value: {{ .Values.serviceAccounts.audience | default (include "chartroom.host" .) | quote }}
{{- with .Values.serviceAccounts.allowedNamespaces }}
- name: CHARTROOM_SERVICE_ACCOUNTS_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.serviceAccounts.admins }}
- name: CHARTROOM_SERVICE_ACCOUNTS_ADMINS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.clusterMount" -}}
{{- if include "chartroom.callsCluster" . }}
- name: cluster
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}
{{- end }}

{{/* Without an audience the token is for the API server, which both publishes the keys and reviews. */}}
{{- define "chartroom.clusterVolume" -}}
{{- if include "chartroom.callsCluster" . }}
- name: cluster
  projected:
    defaultMode: 288 # 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}
