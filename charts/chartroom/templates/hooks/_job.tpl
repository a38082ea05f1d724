{{/* What both Jobs have in common. Call with (dict "root" $ "component" "..." "weight" n "deadline" seconds). */}}

{{- define "chartroom.jobHead" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "chartroom.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "chartroom.hookLabels" . | nindent 4 }}
  {{- $own := include "chartroom.hook" . | fromYaml }}
  {{- $_ := set $own "helm.sh/hook-output-log-policy" "hook-failed" }}
  {{- include "chartroom.annotations" (dict "root" .root "own" $own) }}
spec:
  activeDeadlineSeconds: {{ .deadline }}
  backoffLimit: {{ .root.Values.provision.backoffLimit }}
  {{- with .root.Values.provision.ttlSecondsAfterFinished }}
  ttlSecondsAfterFinished: {{ . }}
  {{- end }}
  # Refused (65), wrong usage (2) and unusable configuration (78) do not get better by repeating. One that ran out of time (75)
  # would only be cut off at the deadline, and its last word with it.
  podFailurePolicy:
    rules:
      - action: FailJob
        onExitCodes:
          containerName: {{ .component }}
          operator: In
          values: [2, 65, 75, 78]
  template:
    metadata:
      labels:
        {{- toYaml (merge (include "chartroom.hookSelectorLabels" .root | fromYaml) (dict "app.kubernetes.io/component" .component) .root.Values.commonLabels) | nindent 8 }}
      {{- with merge (dict) .root.Values.provision.podAnnotations .root.Values.commonAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
