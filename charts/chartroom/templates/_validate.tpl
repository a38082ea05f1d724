{{/* Combinations that cannot work. What a single value may be is in values.schema.json. */}}

{{- define "chartroom.validate" -}}
{{- $mode := include "chartroom.databaseMode" . }}
{{- $database := .Values.database }}
{{- $fullname := include "chartroom.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $fullname) }}
{{- fail (printf "%q cannot name a Service: it has to start with a letter; set fullnameOverride" $fullname) }}
{{- end }}
{{- if and (eq $mode "manifest") (not .Values.auth.keys.existingSecret) }}
{{- fail (printf "database.provisioner=manifest has no hook that makes the keys which sign tokens: run `chartroom keys generate --keys-dir keys` and `kubectl create secret generic %s-keys --namespace %s --from-file=keys`, then set auth.keys.existingSecret=%s-keys" $fullname .Release.Namespace $fullname) }}
{{- end }}
{{- with .Values.models }}
{{- $apart := include "chartroom.hasRunners" $ }}
{{- if and $apart (eq $mode "manifest") (not .tls.existingSecret) }}
{{- fail (printf "database.provisioner=manifest has no hook that makes the certificates of models.placement=deployment: make two Secrets with tls.crt, tls.key and ca.crt of one authority, one whose certificate names %s for the runners, one for those who ask them, and set models.tls.existingSecret and models.tls.existingClientSecret" (include "chartroom.runnerHost" $)) }}
{{- end }}
{{- if ne (empty .tls.existingSecret) (empty .tls.existingClientSecret) }}
{{- fail "models.tls.existingSecret and models.tls.existingClientSecret belong together: one is for the runners, the other for those who ask them" }}
{{- end }}
{{- if and .autoscaling.enabled (not $apart) }}
{{- fail "models.autoscaling.enabled needs models.placement=deployment: elsewhere models have no pods of their own" }}
{{- end }}
{{- if and .autoscaling.enabled (gt (int .autoscaling.min) (int .autoscaling.max)) }}
{{- fail "models.autoscaling.min is above models.autoscaling.max" }}
{{- end }}
{{- if and .autoscaling.enabled (not .autoscaling.cpu) (not .autoscaling.metrics) }}
{{- fail "models.autoscaling.enabled needs something to measure: set models.autoscaling.cpu or models.autoscaling.metrics" }}
{{- end }}
{{- end }}
{{- if and (eq $mode "hook") $database.runtimeSecret }}
{{- fail "database.runtimeSecret is for provisioner=manifest and mode=external: the hook makes that Secret itself" }}
{{- end }}
{{- if ne $mode "hook" }}
{{- range $field := list "adopt" "allowMajorUpgrade" }}
{{- if get $database.cnpg $field }}
{{- fail (printf "database.cnpg.%s has no effect here: it speaks to the hook, and the database is not made by one" $field) }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq $mode "external" }}
{{- if not $database.external.existingSecret }}
{{- fail "database.mode=external needs database.external.existingSecret, a Secret with at least username and password" }}
{{- end }}
{{- if and (hasPrefix "verify-" $database.tls.mode) (not $database.tls.caSecret.name) (not $database.external.keys.uri) }}
{{- fail (printf "database.tls.mode=%s needs database.tls.caSecret.name: the image brings no certificates of its own; tls.mode=require encrypts without proof of who answers" $database.tls.mode) }}
{{- end }}
{{- else if eq $database.owner $database.runtimeUser }}
{{- fail "database.owner and database.runtimeUser are the same role: the API's role must not own what it uses" }}
{{- end }}
{{- with $database.cnpg.synchronous }}
{{- if and .enabled (ge (int .number) (int $database.cnpg.instances)) (ge (int $database.cnpg.instances) 3) }}
{{- fail (printf "database.cnpg.synchronous.number=%d: with %d instances there are only %d standbys to confirm" (int .number) (int $database.cnpg.instances) (sub (int $database.cnpg.instances) 1)) }}
{{- end }}
{{- end }}
{{- $least := add (int .Values.drain.deadlineSeconds) 5 }}
{{- if lt (int .Values.terminationGracePeriodSeconds) (int $least) }}
{{- fail (printf "terminationGracePeriodSeconds=%d kills a pod that is still draining: set at least %d, or lower drain.deadlineSeconds" (int .Values.terminationGracePeriodSeconds) $least) }}
{{- end }}
{{- $timeout := include "chartroom.seconds" .Values.provision.timeout | int }}
{{- $most := sub (int .Values.provision.activeDeadlineSeconds) 10 }}
{{- if gt $timeout (int $most) }}
{{- fail (printf "provision.timeout=%s: at its deadline the Job goes with its log; set at most %ds, or raise provision.activeDeadlineSeconds and Helm's --timeout" .Values.provision.timeout $most) }}
{{- end }}
{{- if ge (int .Values.drain.delaySeconds) (int .Values.drain.deadlineSeconds) }}
{{- fail "drain.delaySeconds leaves no time for what is in flight: set it below drain.deadlineSeconds" }}
{{- end }}
{{- if and .Values.worker.enabled (eq (include "chartroom.serviceAccountsMode" .) "tokenReview") (eq (include "chartroom.serviceAccountName" .) (include "chartroom.workerServiceAccountName" .)) }}
{{- fail (printf "worker.serviceAccount: %q is the API's, and workers must not have its right to have tokens reviewed: name another one" (include "chartroom.workerServiceAccountName" .)) }}
{{- end }}
{{- with .Values.sso }}
{{- if and .issuer .providersSecret.name }}
{{- fail "sso.issuer contradicts sso.providersSecret: write the provider into that file" }}
{{- end }}
{{- if and .issuer (or (not .clientId) (not .existingSecret)) }}
{{- fail "sso.issuer needs sso.clientId and sso.existingSecret, which the provider gives" }}
{{- end }}
{{- if and (not .issuer) (or .clientId .existingSecret .groups .linkByEmail .trustEmail) }}
{{- fail "a value of sso has no effect without sso.issuer" }}
{{- end }}
{{- end }}
{{- if and .Values.mail.host (not .Values.mail.from) }}
{{- fail "mail.host needs mail.from, the address that mail comes from" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.min) (int .Values.autoscaling.max)) }}
{{- fail "autoscaling.min is above autoscaling.max" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not .Values.autoscaling.cpu) (not .Values.autoscaling.metrics) }}
{{- fail "autoscaling.enabled needs something to measure: set autoscaling.cpu or autoscaling.metrics" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled needs ingress.hosts: a rule without a host would catch everything that reaches the controller" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs, the Gateway it belongs to" }}
{{- end }}
{{- end }}

{{- define "chartroom.seconds" -}}
{{- mul (regexFind "^[0-9]+" . | int) (hasSuffix "m" . | ternary 60 1) }}
{{- end }}
