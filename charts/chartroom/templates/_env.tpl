{{/* The settings of the API that the chart decides; a list, so that `settings` can be checked against it. */}}

{{- define "chartroom.env" -}}
{{- $listen := contains ":" .Values.listenAddress | ternary (printf "[%s]" .Values.listenAddress) .Values.listenAddress }}
- name: CHARTROOM_LISTEN
  value: "{{ $listen }}:8080"
- name: CHARTROOM_OPS_LISTEN
  value: "{{ $listen }}:9090"
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
- name: CHARTROOM_AUDIENCE
  value: {{ .Values.auth.audience | default (include "chartroom.host" .) | quote }}
- name: CHARTROOM_REGISTRATION
  value: {{ .Values.auth.registration }}
- name: CHARTROOM_REFRESH_GRACE
  value: {{ .Values.auth.refreshGrace }}
{{ include "chartroom.workloadsEnv" . }}
{{ include "chartroom.databaseEnv" (dict "root" . "role" "api") }}
{{- end }}
