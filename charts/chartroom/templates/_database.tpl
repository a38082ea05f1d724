{{/* How the API and the migration reach the database, one contract for every mode; the Cluster; the plan of the provision hook. */}}

{{- define "chartroom.clusterName" -}}
{{- .Values.database.cnpg.clusterName | default (printf "%s-pg" (include "chartroom.fullname" .)) }}
{{- end }}

{{/* hook, manifest or external */}}
{{- define "chartroom.databaseMode" -}}
{{- eq .Values.database.mode "external" | ternary "external" .Values.database.provisioner }}
{{- end }}

{{/* "true" where a Job makes what the release needs: database, keys and certificates, or those without the database. */}}
{{- define "chartroom.provisions" -}}
{{- $mode := include "chartroom.databaseMode" . }}
{{- $makes := or (not .Values.auth.keys.existingSecret) (include "chartroom.makesRunnerTls" .) }}
{{- if or (eq $mode "hook") (and (eq $mode "external") $makes) }}true{{ end }}
{{- end }}

{{/* The Secret of a role's password. Call with (dict "root" $ "role" "api|worker|owner"); a worker connects as the API does. */}}
{{- define "chartroom.databaseSecret" -}}
{{- $mode := include "chartroom.databaseMode" .root }}
{{- $database := .root.Values.database }}
{{- if eq $mode "hook" }}
{{- include "chartroom.fullname" .root }}-db{{ eq .role "owner" | ternary "" "-app" }}
{{- else if and (ne .role "owner") $database.runtimeSecret }}
{{- $database.runtimeSecret }}
{{- else if eq $mode "manifest" }}
{{- include "chartroom.clusterName" .root }}-app
{{- else }}
{{- $database.external.existingSecret }}
{{- end }}
{{- end }}

{{/* The role that the API runs as, where its name is known to the chart. */}}
{{- define "chartroom.apiRole" -}}
{{- $database := .Values.database }}
{{- if or (eq (include "chartroom.databaseMode" .) "hook") $database.runtimeSecret }}{{ $database.runtimeUser }}{{ else }}{{ $database.owner }}{{ end }}
{{- end }}

{{- define "chartroom.databaseCaSecret" -}}
{{- with .Values.database.tls.caSecret.name }}{{ . }}
{{- else }}
{{- if ne .Values.database.mode "external" }}{{ include "chartroom.clusterName" . }}-ca{{ end }}
{{- end }}
{{- end }}

{{- define "chartroom.databaseVerifies" -}}
{{- if and (hasPrefix "verify-" .Values.database.tls.mode) (include "chartroom.databaseCaSecret" .) }}true{{ end }}
{{- end }}

{{/* Variables of a container that connects. Call with (dict "root" $ "role" "api|worker|owner"). */}}
{{- define "chartroom.databaseEnv" -}}
{{- $root := .root }}
{{- $database := $root.Values.database }}
{{- $external := $database.external }}
{{- $secret := include "chartroom.databaseSecret" . }}
{{- $isExternal := eq $database.mode "external" }}
{{- if and $isExternal $external.keys.uri }}
- name: CHARTROOM_DATABASE_URL_FILE
  value: /etc/chartroom/database/uri
{{- else }}
{{- if not $isExternal }}
{{- $cluster := include "chartroom.clusterName" $root }}
- name: CHARTROOM_DATABASE_HOST
  value: {{ $cluster }}-rw
- name: CHARTROOM_DATABASE_PORT
  value: "5432"
- name: CHARTROOM_DATABASE_NAME
  value: {{ $database.name | quote }}
- name: CHARTROOM_DATABASE_USER
  value: {{ eq .role "owner" | ternary $database.owner (include "chartroom.apiRole" $root) | quote }}
{{- if and (eq .role "api") $database.cnpg.readReplicas (gt (int $database.cnpg.instances) 1) }}
- name: CHARTROOM_DATABASE_READ_HOST
  value: {{ $cluster }}-ro
{{- end }}
{{- else }}
- name: CHARTROOM_DATABASE_HOST
  {{- include "chartroom.valueOrKey" (dict "value" $external.host "secret" $external.existingSecret "key" $external.keys.host) | trim | nindent 2 }}
- name: CHARTROOM_DATABASE_PORT
  {{- include "chartroom.valueOrKey" (dict "value" $external.port "secret" $external.existingSecret "key" $external.keys.port) | trim | nindent 2 }}
- name: CHARTROOM_DATABASE_NAME
  {{- include "chartroom.valueOrKey" (dict "secret" $external.existingSecret "key" $external.keys.dbname) | trim | nindent 2 }}
- name: CHARTROOM_DATABASE_USER
  {{- include "chartroom.valueOrKey" (dict "secret" $secret "key" $external.keys.username) | trim | nindent 2 }}
{{- if and (eq .role "api") $external.readHost }}
- name: CHARTROOM_DATABASE_READ_HOST
  value: {{ $external.readHost | quote }}
{{- end }}
{{- end }}
- name: CHARTROOM_DATABASE_PASSWORD_FILE
  value: /etc/chartroom/database/password
- name: CHARTROOM_DATABASE_SSLMODE
  value: {{ $database.tls.mode }}
{{- if include "chartroom.databaseVerifies" $root }}
- name: CHARTROOM_DATABASE_CA_FILE
  value: /etc/chartroom/database-ca/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{- define "chartroom.valueOrKey" -}}
{{- if .value }}
value: {{ .value | toString | quote }}
{{- else }}
valueFrom:
  secretKeyRef:
    name: {{ .secret }}
    key: {{ .key }}
{{- end }}
{{- end }}

{{/* Whole directories, never a subPath: only those follow a Secret that changes. */}}
{{- define "chartroom.databaseMounts" -}}
- name: {{ .volume | default "database" }}
  mountPath: /etc/chartroom/database
  readOnly: true
{{- if include "chartroom.databaseVerifies" .root }}
- name: database-ca
  mountPath: /etc/chartroom/database-ca
  readOnly: true
{{- end }}
{{- end }}

{{- define "chartroom.databaseVolumes" -}}
{{- $root := .root }}
{{- $database := $root.Values.database }}
{{- $keys := $database.external.keys }}
- name: {{ .volume | default "database" }}
  secret:
    secretName: {{ include "chartroom.databaseSecret" . }}
    defaultMode: 288 # 0440
    items:
      {{- if and (eq $database.mode "external") $keys.uri }}
      - key: {{ $keys.uri }}
        path: uri
      {{- else }}
      - key: {{ eq $database.mode "external" | ternary $keys.password "password" }}
        path: password
      {{- end }}
{{- end }}

{{/* The Secret of a cluster's CA holds its private key, too: one item of it is mounted. */}}
{{- define "chartroom.databaseCaVolume" -}}
{{- if include "chartroom.databaseVerifies" . }}
- name: database-ca
  secret:
    secretName: {{ include "chartroom.databaseCaSecret" . }}
    items:
      - key: {{ .Values.database.tls.caSecret.key }}
        path: ca.crt
{{- end }}
{{- end }}

{{/* The container that migrates: as the owner, who also lets the API's role use what it made. */}}
{{- define "chartroom.migrateContainer" -}}
- name: migrate
  {{- include "chartroom.container" . | trim | nindent 2 }}
  args:
    - migrate
    - up
    {{- /* A Job comes after the database, an init container beside it. Both leave time to migrate. */}}
    - --wait={{ eq (include "chartroom.databaseMode" .) "manifest" | ternary "240s" "40s" }}
    {{- if or (eq (include "chartroom.databaseMode" .) "hook") .Values.database.runtimeSecret }}
    - --runtime-role={{ .Values.database.runtimeUser }}
    {{- end }}
  env:
    {{- include "chartroom.databaseEnv" (dict "root" . "role" "owner") | trim | nindent 4 }}
    {{- with .Values.settings.CHARTROOM_AUDIT_KEEP_DAYS }}
    - name: CHARTROOM_AUDIT_KEEP_DAYS
      value: {{ . | toString | quote }}
    {{- end }}
  volumeMounts:
    {{- include "chartroom.databaseMounts" (dict "root" . "volume" "database-owner") | trim | nindent 4 }}
  resources:
    {{- toYaml .Values.provision.resources | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{/* The spec of the Cluster in both ways to make it. */}}
{{- define "chartroom.clusterSpec" -}}
{{- $database := .Values.database }}
{{- $cnpg := $database.cnpg }}
{{- $instances := int $cnpg.instances }}
{{- $hook := eq (include "chartroom.databaseMode" .) "hook" }}
{{- $initdb := dict "database" $database.name "owner" $database.owner }}
{{- if $hook }}
{{- $_ := set $initdb "secret" (dict "name" (include "chartroom.databaseSecret" (dict "root" . "role" "owner"))) }}
{{- end }}
{{- $spec := dict "instances" $instances "bootstrap" (dict "initdb" $initdb) "enableSuperuserAccess" false }}
{{- /* The budget of a single instance would only block the drain of its node. */}}
{{- $_ := set $spec "enablePDB" (gt $instances 1) }}
{{- with $cnpg.imageName }}{{ $_ := set $spec "imageName" . }}{{ end }}
{{- range $field := list "storage" "walStorage" }}
{{- $volume := get $cnpg $field }}
{{- if $volume.size }}
{{- $made := dict "size" $volume.size }}
{{- with $volume.storageClass }}{{ $_ := set $made "storageClass" . }}{{ end }}
{{- $_ := set $spec $field $made }}
{{- end }}
{{- end }}
{{- $postgresql := dict }}
{{- with $cnpg.parameters }}{{ $_ := set $postgresql "parameters" . }}{{ end }}
{{- if and $cnpg.synchronous.enabled (ge $instances 3) }}
{{- $_ := set $postgresql "synchronous" (omit $cnpg.synchronous "enabled") }}
{{- end }}
{{- with $postgresql }}{{ $_ := set $spec "postgresql" . }}{{ end }}
{{- with $cnpg.resources }}{{ $_ := set $spec "resources" . }}{{ end }}
{{- if or $hook $database.runtimeSecret }}
{{- $role := dict "name" $database.runtimeUser "ensure" "present" "login" true "passwordSecret" (dict "name" (include "chartroom.databaseSecret" (dict "root" . "role" "api"))) }}
{{- $_ := set $spec "managed" (dict "roles" (list $role)) }}
{{- end }}
{{- toYaml (mergeOverwrite $spec (deepCopy $cnpg.specOverrides)) }}
{{- end }}

{{/* What `chartroom provision --plan` reads; docs/KUBERNETES.md describes it. */}}
{{- define "chartroom.plan" -}}
{{- $hook := eq (include "chartroom.databaseMode" .) "hook" }}
{{- $fullname := include "chartroom.fullname" . }}
{{- $secrets := dict }}
{{- if not .Values.auth.keys.existingSecret }}
{{- $_ := set $secrets "keys" (dict "name" (include "chartroom.keysSecret" .)) }}
{{- end }}
{{- if include "chartroom.makesRunnerTls" . }}
{{- $_ := set $secrets "runners" (dict "name" (printf "%s-runner-tls" $fullname) "host" (include "chartroom.runnerHost" .)) }}
{{- end }}
{{- $release := printf "%s/%s" .Release.Namespace .Release.Name }}
{{- /* Neither app.kubernetes.io/instance nor helm.sh/chart: by those, Argo CD would count what the hook made among the release's objects and prune it. */}}
{{- $labels := merge (dict "app.kubernetes.io/managed-by" "chartroom-provision" "app.kubernetes.io/part-of" (include "chartroom.name" .)) .Values.commonLabels }}
{{- $annotations := merge (dict "chartroom.github.io/release" $release "argocd.argoproj.io/sync-options" "Prune=false,Delete=false" "argocd.argoproj.io/compare-options" "IgnoreExtraneous") .Values.commonAnnotations }}
{{- $plan := dict "release" $release "namespace" .Release.Namespace "timeout" .Values.provision.timeout "metadata" (dict "labels" $labels "annotations" $annotations) "secrets" $secrets }}
{{- if $hook }}
{{- $database := .Values.database }}
{{- $cluster := include "chartroom.clusterName" . }}
{{- $where := dict "dbname" $database.name "host" (printf "%s-rw" $cluster) "port" "5432" }}
{{- $_ := set $secrets "owner" (merge (dict "name" (printf "%s-db" $fullname) "username" $database.owner) $where) }}
{{- $_ := set $secrets "runtime" (merge (dict "name" (printf "%s-db-app" $fullname) "username" $database.runtimeUser) $where) }}
{{- $_ := set $plan "operatorTimeout" .Values.provision.operatorTimeout }}
{{- $_ := set $plan "adopt" $database.cnpg.adopt }}
{{- $_ := set $plan "allowMajorUpgrade" $database.cnpg.allowMajorUpgrade }}
{{- $_ := set $plan "cluster" (dict "apiVersion" "postgresql.cnpg.io/v1" "kind" "Cluster" "metadata" (dict "name" $cluster "namespace" .Release.Namespace) "spec" (include "chartroom.clusterSpec" . | fromYaml)) }}
{{- end }}
{{- toPrettyJson $plan }}
{{- end }}
