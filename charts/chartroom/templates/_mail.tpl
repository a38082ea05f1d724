{{/*
The mail server, for every pod that serves or does jobs. Each is empty where no mail is sent. How to sign in to it, and whose
certificate it has, is for those alone that do jobs.
*/}}

{{/* Whether the pods of a role send mails. Call with (dict "root" $ "role" "api" or "worker"). */}}
{{- define "chartroom.sendsMail" -}}
{{- if and .root.Values.mail.host (or (eq .role "worker") (not .root.Values.worker.enabled)) }}true{{ end }}
{{- end }}

{{- define "chartroom.smtpPort" -}}
{{- .Values.mail.port | default (eq .Values.mail.security "tls" | ternary 465 587) }}
{{- end }}

{{- define "chartroom.mailEnv" -}}
{{- $sends := include "chartroom.sendsMail" . }}
{{- $root := .root }}
{{- with .root.Values.mail }}
{{- if .host }}
- name: CHARTROOM_SMTP_HOST
  value: {{ .host | quote }}
- name: CHARTROOM_SMTP_PORT
  value: {{ include "chartroom.smtpPort" $root | quote }}
- name: CHARTROOM_SMTP_SECURITY
  value: {{ .security }}
- name: CHARTROOM_MAIL_FROM
  value: {{ .from | quote }}
{{- if and $sends .existingSecret }}
- name: CHARTROOM_SMTP_USER
  valueFrom:
    secretKeyRef: {name: {{ .existingSecret }}, key: {{ .keys.username }}}
- name: CHARTROOM_SMTP_PASSWORD_FILE
  value: /etc/chartroom/smtp/password
{{- end }}
{{- if and $sends .caSecret.name }}
- name: CHARTROOM_SMTP_CA_FILE
  value: /etc/chartroom/smtp-ca/ca.crt
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.mailMounts" -}}
{{- $sends := include "chartroom.sendsMail" . }}
{{- with .root.Values.mail }}
{{- if and $sends .existingSecret }}
- name: smtp
  mountPath: /etc/chartroom/smtp
  readOnly: true
{{- end }}
{{- if and $sends .caSecret.name }}
- name: smtp-ca
  mountPath: /etc/chartroom/smtp-ca
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.mailVolumes" -}}
{{- $sends := include "chartroom.sendsMail" . }}
{{- with .root.Values.mail }}
{{- if and $sends .existingSecret }}
- name: smtp
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 288 # 0440
    items:
      - key: {{ .keys.password }}
        path: password
{{- end }}
{{- if and $sends .caSecret.name }}
- name: smtp-ca
  secret:
    secretName: {{ .caSecret.name }}
    items:
      - key: {{ .caSecret.key }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.egressToMail" -}}
{{- if .Values.mail.host }}
- ports:
    - {protocol: TCP, port: {{ include "chartroom.smtpPort" . }}}
  {{- with .Values.networkPolicy.mail }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
