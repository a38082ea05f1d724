{{/* Where models run: in a container beside each one that asks them, which has no token, no secret and no word with the network. */}}

{{/* YAML reads a plain `off` as false. */}}
{{- define "chartroom.hasModels" -}}
{{- if eq (toString .Values.models.placement) "sidecar" }}true{{ end }}
{{- end }}

{{- define "chartroom.modelsEnv" -}}
{{- if include "chartroom.hasModels" . }}
- name: CHARTROOM_MODELS_RUNNER
  value: unix:/run/chartroom/models.sock
- name: CHARTROOM_MODELS_MEMORY
  value: {{ .Values.models.memory }}B
{{- else }}
- name: CHARTROOM_MODELS_RUNNER
  value: "off"
{{- end }}
{{- end }}

{{/* One that starts before the containers of the pod and ends after them, so that a stopping pod still answers for models. */}}
{{- define "chartroom.modelsContainer" -}}
{{- if include "chartroom.hasModels" . }}
- name: models
  image: {{ include "chartroom.imageOf" (dict "root" . "image" .Values.models.image) | quote }}
  imagePullPolicy: {{ .Values.models.image.pullPolicy }}
  securityContext:
    {{- toYaml .Values.securityContext | nindent 4 }}
  restartPolicy: Always
  args: [serve, "unix:/run/chartroom/models.sock"]
  resources:
    {{- toYaml .Values.models.resources | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    {{- include "chartroom.modelsMount" . | nindent 4 }}
{{- end }}
{{- end }}

{{- define "chartroom.modelsMount" -}}
{{- if include "chartroom.hasModels" . }}
- name: models
  mountPath: /run/chartroom
{{- end }}
{{- end }}

{{/* For a socket, which takes no room. */}}
{{- define "chartroom.modelsVolume" -}}
{{- if include "chartroom.hasModels" . }}
- name: models
  emptyDir:
    sizeLimit: 1Mi
{{- end }}
{{- end }}
