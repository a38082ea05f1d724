{{/* The settings of the API that the chart decides; a list, so that `settings` can be checked against it. */}}

{{- define "chartroom.env" -}}
- name: CHARTROOM_LISTEN
  value: "{{ include "chartroom.listen" . }}:8080"
- name: CHARTROOM_OPS_LISTEN
  value: "{{ include "chartroom.listen" . }}:9090"
- name: CHARTROOM_PUBLIC_URL
  value: {{ include "chartroom.publicUrl" . | quote }}
{{- with .Values.trustedProxies }}
- name: CHARTROOM_TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
- name: CHARTROOM_DRAIN_DELAY
  value: {{ .Values.drain.delaySeconds }}s
- name: CHARTROOM_STOP_DEADLINE
  value: {{ .Values.drain.deadlineSeconds }}s
- name: CHARTROOM_KEYS_DIR
  value: /etc/chartroom/keys
- name: CHARTROOM_SPOOL_DIR
  value: /var/spool/chartroom
- name: CHARTROOM_SPOOL_SIZE
  value: {{ .Values.spool.sizeLimit }}B
- name: CHARTROOM_AUDIENCE
  value: {{ .Values.auth.audience | default (include "chartroom.host" .) | quote }}
- name: CHARTROOM_REGISTRATION
  value: {{ .Values.auth.registration }}
- name: CHARTROOM_REFRESH_GRACE
  value: {{ .Values.auth.refreshGrace }}
{{- if .Values.worker.enabled }}
- name: CHARTROOM_JOBS
  value: "off"
{{- end }}
{{- include "chartroom.mailEnv" (dict "root" . "role" "api") }}
{{- include "chartroom.ssoEnv" . }}
{{ include "chartroom.modelsEnv" . | trim }}
{{ include "chartroom.workloadsEnv" . }}
{{ include "chartroom.databaseEnv" (dict "root" . "role" "api") }}
{{- end }}

{{/* The same of a worker, which needs neither keys nor the API server. */}}
{{- define "chartroom.workerEnv" -}}
- name: CHARTROOM_OPS_LISTEN
  value: "{{ include "chartroom.listen" . }}:9090"
- name: CHARTROOM_PUBLIC_URL
  value: {{ include "chartroom.publicUrl" . | quote }}
- name: CHARTROOM_DRAIN_DELAY
  value: {{ .Values.drain.delaySeconds }}s
- name: CHARTROOM_STOP_DEADLINE
  value: {{ .Values.drain.deadlineSeconds }}s
{{- include "chartroom.mailEnv" (dict "root" . "role" "worker") }}
{{ include "chartroom.modelsEnv" . | trim }}
{{ include "chartroom.databaseEnv" (dict "root" . "role" "worker") }}
{{- end }}

{{- define "chartroom.listen" -}}
{{- contains ":" .Values.listenAddress | ternary (printf "[%s]" .Values.listenAddress) .Values.listenAddress }}
{{- end }}

{{/* Settings that the installer chose, as variables. Call with (dict "root" $ "settings" (dict ...) "from" "the value's name"). */}}
{{- define "chartroom.settings" -}}
{{- $chartEnv := concat (include "chartroom.env" .root | fromYamlArray) (include "chartroom.workerEnv" .root | fromYamlArray) }}
{{- range $name, $value := .settings }}
{{- range $chartEnv }}
{{- if eq .name $name }}
{{- fail (printf "%s.%s: the chart sets it itself, from a value of its own" $.from $name) }}
{{- end }}
{{- end }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
