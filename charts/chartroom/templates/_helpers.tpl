{{/* Names, labels, the image, and what every pod has in common. */}}

{{- define "chartroom.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 47 | trimSuffix "-" }}
{{- end }}

{{/* 47 characters: with `-pg` it is the name of a Cluster, which may have 50. */}}
{{- define "chartroom.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 47 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 47 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 47 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What selectors match: pods of one component. Immutable in a Deployment, so it never changes. Call with (dict "root" $ "component" "..."). */}}
{{- define "chartroom.componentSelectorLabels" -}}
app.kubernetes.io/name: {{ include "chartroom.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "chartroom.selectorLabels" -}}
{{ include "chartroom.componentSelectorLabels" (dict "root" . "component" "api") }}
{{- end }}

{{- define "chartroom.workerSelectorLabels" -}}
{{ include "chartroom.componentSelectorLabels" (dict "root" . "component" "worker") }}
{{- end }}

{{/* Pods of hooks and tests have another name, because any selector of the API would match a superset of its labels. */}}
{{- define "chartroom.hookSelectorLabels" -}}
app.kubernetes.io/name: {{ include "chartroom.name" . }}-hook
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chartroom.releaseLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "chartroom.labels" -}}
{{ include "chartroom.selectorLabels" . }}
{{ include "chartroom.releaseLabels" . }}
{{- end }}

{{- define "chartroom.workerLabels" -}}
{{ include "chartroom.workerSelectorLabels" . }}
{{ include "chartroom.releaseLabels" . }}
{{- end }}

{{/* Labels of a hook or test. Call with (dict "root" $ "component" "..."). */}}
{{- define "chartroom.hookLabels" -}}
{{ include "chartroom.hookSelectorLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{ include "chartroom.releaseLabels" .root }}
{{- end }}

{{/* `annotations:` of an object's metadata, on lines of their own, or nothing. Call with (dict "root" $ "own" (dict ...)). */}}
{{- define "chartroom.annotations" -}}
{{- with merge (dict) (.own | default dict) .root.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}

{{/* The events and the end of every hook object; each has a weight of its own, because ties break by name. */}}
{{- define "chartroom.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-weight: {{ .weight | quote }}
{{- end }}

{{/* The one image of Deployment, hooks and test. */}}
{{- define "chartroom.image" -}}
{{- include "chartroom.imageOf" (dict "root" . "image" .Values.image) }}
{{- end }}

{{/* Call with (dict "root" $ "image" its values). */}}
{{- define "chartroom.imageOf" -}}
{{- $image := .image }}
{{- $registry := (.root.Values.global).imageRegistry | default $image.registry }}
{{- with $registry }}{{ . }}/{{ end }}{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "chartroom.container" -}}
image: {{ include "chartroom.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{/* The fields that every pod has. A Service called `chartroom` would otherwise become variables that the program refuses. */}}
{{- define "chartroom.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with concat (default list (.Values.global).imagePullSecrets) .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* How pods are placed. Call with (dict "values" the component's values "selector" its selector's labels). */}}
{{- define "chartroom.placement" -}}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if kindIs "string" .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $.selector | nindent 8 }}
    # Without it the old pods of a rolling update count, and the new ones end up on one node.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- else }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "chartroom.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* The worker's own, or it would have the rights of the API's. */}}
{{- define "chartroom.workerServiceAccountName" -}}
{{- if .Values.worker.serviceAccount.create }}
{{- .Values.worker.serviceAccount.name | default (printf "%s-worker" (include "chartroom.fullname" .)) }}
{{- else }}
{{- .Values.worker.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* Where clients reach the API inside the cluster; also the default audience of tokens. */}}
{{- define "chartroom.host" -}}
{{ include "chartroom.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "chartroom.publicUrl" -}}
{{- if .Values.publicUrl }}
{{- .Values.publicUrl }}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts }}
{{- .Values.ingress.tls | empty | ternary "http" "https" }}://{{ first .Values.ingress.hosts }}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames }}
{{- printf "https://%s" (first .Values.httpRoute.hostnames) }}
{{- else }}
{{- $port := int .Values.service.port }}
{{- printf "http://%s%s" (include "chartroom.host" .) (eq $port 80 | ternary "" (printf ":%d" $port)) }}
{{- end }}
{{- end }}

{{- define "chartroom.keysSecret" -}}
{{- .Values.auth.keys.existingSecret | default (printf "%s-keys" (include "chartroom.fullname" .)) }}
{{- end }}

{{/* "true" where at least two pods are certain. */}}
{{- define "chartroom.manyPods" -}}
{{- $pods := .Values.autoscaling.enabled | ternary .Values.autoscaling.min .Values.replicas }}
{{- if gt (int $pods) 1 }}true{{ end }}
{{- end }}

{{/* "true" for a switch that is on. Call with (dict "root" $ "switch" value "api" "group/version/Kind"). */}}
{{- define "chartroom.isOn" -}}
{{- if kindIs "bool" .switch }}
{{- if .switch }}true{{ end }}
{{- else if .root.Capabilities.APIVersions.Has .api }}true{{ end }}
{{- end }}
