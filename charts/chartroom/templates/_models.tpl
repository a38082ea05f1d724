{{/* Where models run: in a container beside each one that asks them, or in pods of their own. Neither has a token or a word with the database. */}}

{{/* YAML reads a plain `off` as false. */}}
{{- define "chartroom.modelsPlacement" -}}
{{- eq (toString .Values.models.placement) "false" | ternary "off" (toString .Values.models.placement) }}
{{- end }}

{{/* "true" where a container beside the service runs models. */}}
{{- define "chartroom.hasModels" -}}
{{- if eq (include "chartroom.modelsPlacement" .) "sidecar" }}true{{ end }}
{{- end }}

{{/* "true" where pods of their own do. */}}
{{- define "chartroom.hasRunners" -}}
{{- if eq (include "chartroom.modelsPlacement" .) "deployment" }}true{{ end }}
{{- end }}

{{/* "true" where at least two of them are certain. */}}
{{- define "chartroom.manyRunners" -}}
{{- $pods := .Values.models.autoscaling.enabled | ternary .Values.models.autoscaling.min .Values.models.replicas }}
{{- if gt (int $pods) 1 }}true{{ end }}
{{- end }}

{{- define "chartroom.runnerSelectorLabels" -}}
{{ include "chartroom.componentSelectorLabels" (dict "root" . "component" "runner") }}
{{- end }}

{{- define "chartroom.runnerLabels" -}}
{{ include "chartroom.runnerSelectorLabels" . }}
{{ include "chartroom.releaseLabels" . }}
{{- end }}

{{/* What their certificate names. */}}
{{- define "chartroom.runnerHost" -}}
{{ include "chartroom.fullname" . }}-runner.{{ .Release.Namespace }}.svc
{{- end }}

{{/* "true" where the hook makes their certificates. */}}
{{- define "chartroom.makesRunnerTls" -}}
{{- if and (include "chartroom.hasRunners" .) (not .Values.models.tls.existingSecret) }}true{{ end }}
{{- end }}

{{- define "chartroom.modelsEnv" -}}
{{- $placement := include "chartroom.modelsPlacement" . }}
- name: CHARTROOM_MODELS_RUNNER
{{- if eq $placement "sidecar" }}
  value: unix:/run/chartroom/models.sock
{{- else if eq $placement "deployment" }}
  value: tls://{{ include "chartroom.runnerHost" . }}:9443
- name: CHARTROOM_MODELS_RUNNER_TLS
  value: /etc/chartroom/runner-tls
- name: CHARTROOM_MODELS_SPREAD
  value: {{ .Values.models.spread | quote }}
{{- else }}
  value: "off"
{{- end }}
{{- if ne $placement "off" }}
- name: CHARTROOM_MODELS_MEMORY
  value: {{ .Values.models.memory }}B
{{- end }}
{{- end }}

{{/* What both ways to run them have in common. */}}
{{- define "chartroom.runnerContainer" -}}
image: {{ include "chartroom.imageOf" (dict "root" . "image" .Values.models.image) | quote }}
imagePullPolicy: {{ .Values.models.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.models.resources | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{/* One that starts before the containers of the pod and ends after them, so that a stopping pod still answers for models. */}}
{{- define "chartroom.modelsContainer" -}}
{{- if include "chartroom.hasModels" . }}
- name: models
  {{- include "chartroom.runnerContainer" . | nindent 2 }}
  restartPolicy: Always
  args: [serve, "unix:/run/chartroom/models.sock"]
  volumeMounts:
    {{- include "chartroom.modelsMount" . | nindent 4 }}
{{- end }}
{{- end }}

{{/* Of the service. */}}
{{- define "chartroom.modelsMount" -}}
{{- if include "chartroom.hasModels" . }}
- name: models
  mountPath: /run/chartroom
{{- else if include "chartroom.hasRunners" . }}
- name: runner-tls
  mountPath: /etc/chartroom/runner-tls
  readOnly: true
{{- end }}
{{- end }}

{{/* A socket, which takes no room, or what proves to runners who asks them. */}}
{{- define "chartroom.modelsVolume" -}}
{{- if include "chartroom.hasModels" . }}
- name: models
  emptyDir:
    sizeLimit: 1Mi
{{- else if include "chartroom.hasRunners" . }}
{{- include "chartroom.runnerTlsVolume" (dict "root" . "side" "client") }}
{{- end }}
{{- end }}

{{/* The certificate of one side. The key of the authority, which is in the same Secret where the hook made it, is mounted nowhere. */}}
{{- define "chartroom.runnerTlsVolume" -}}
{{- $tls := .root.Values.models.tls }}
- name: runner-tls
  secret:
    defaultMode: 288 # 0440
    {{- if $tls.existingSecret }}
    secretName: {{ eq .side "server" | ternary $tls.existingSecret $tls.existingClientSecret }}
    {{- else }}
    secretName: {{ include "chartroom.fullname" .root }}-runner-tls
    {{- end }}
    items:
      - key: ca.crt
        path: ca.crt
      - key: {{ $tls.existingSecret | empty | ternary .side "tls" }}.crt
        path: tls.crt
      - key: {{ $tls.existingSecret | empty | ternary .side "tls" }}.key
        path: tls.key
{{- end }}
