{{/* Single sign-on, for the pods of the API alone. Each is empty where there is none. */}}

{{- define "chartroom.ssoEnv" -}}
{{- with .Values.sso }}
{{- if .providersSecret.name }}
- name: CHARTROOM_OIDC_PROVIDERS_FILE
  value: /etc/chartroom/sso/providers.json
{{- end }}
{{- if .issuer }}
- name: CHARTROOM_OIDC_ISSUER
  value: {{ .issuer | quote }}
- name: CHARTROOM_OIDC_CLIENT_ID
  value: {{ .clientId | quote }}
- name: CHARTROOM_OIDC_CLIENT_SECRET_FILE
  value: /etc/chartroom/sso/client-secret
{{- with .name }}
- name: CHARTROOM_OIDC_NAME
  value: {{ . | quote }}
{{- end }}
{{- with .groups }}
- name: CHARTROOM_OIDC_GROUPS
  value: {{ join "," . | quote }}
{{- end }}
- name: CHARTROOM_OIDC_LINK_BY_EMAIL
  value: {{ .linkByEmail | quote }}
- name: CHARTROOM_OIDC_TRUST_EMAIL
  value: {{ .trustEmail | quote }}
- name: CHARTROOM_OIDC_REGISTER
  value: {{ .register | quote }}
{{- end }}
{{- if .caSecret.name }}
- name: SSL_CERT_FILE
  value: /etc/chartroom/sso-ca/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.ssoMounts" -}}
{{- with .Values.sso }}
{{- if or .issuer .providersSecret.name }}
- name: sso
  mountPath: /etc/chartroom/sso
  readOnly: true
{{- end }}
{{- if .caSecret.name }}
- name: sso-ca
  mountPath: /etc/chartroom/sso-ca
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.ssoVolumes" -}}
{{- with .Values.sso }}
{{- if or .issuer .providersSecret.name }}
- name: sso
  secret:
    secretName: {{ empty .issuer | ternary .providersSecret.name .existingSecret }}
    defaultMode: 288 # 0440
    items:
      {{- if .issuer }}
      - key: {{ .key }}
        path: client-secret
      {{- else }}
      - key: {{ .providersSecret.key }}
        path: providers.json
      {{- end }}
{{- end }}
{{- if .caSecret.name }}
- name: sso-ca
  secret:
    secretName: {{ .caSecret.name }}
    items:
      - key: {{ .caSecret.key }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.egressToSso" -}}
{{- with .Values.sso }}
{{- if or .issuer .providersSecret.name }}
- ports:
    - {protocol: TCP, port: {{ regexFind "^https://[^/]*:[0-9]+" .issuer | regexFind "[0-9]+$" | default "443" }}}
  {{- with $.Values.networkPolicy.sso }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
