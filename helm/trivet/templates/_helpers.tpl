{{/* The chart's name, or nameOverride. */}}
{{- define "trivet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* The name of all objects: the release's where it contains the chart's. 42
characters at most, so that pods, Services and their suffixes stay within 63. */}}
{{- define "trivet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 42 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "trivet.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 42 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 42 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "trivet.peersName" -}}{{ include "trivet.fullname" . }}-peers{{- end }}
{{- define "trivet.leaderName" -}}{{ include "trivet.fullname" . }}-leader{{- end }}

{{/* The domain of the pods' stable names. */}}
{{- define "trivet.peersDomain" -}}
{{ include "trivet.peersName" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* The labels that select the nodes' pods. They never change. */}}
{{- define "trivet.selectorLabels" -}}
app.kubernetes.io/name: {{ include "trivet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: node
{{- end }}

{{/* The labels of all objects. */}}
{{- define "trivet.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "trivet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: trivet
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* registry/repository:tag, or @digest. */}}
{{- define "trivet.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* How many fresh nodes start a cluster: 1 of 1, else a majority, at least 3.
It is the same for 3 and 5, so that scaling does not restart the pods. */}}
{{- define "trivet.bootstrapExpect" -}}
{{- $n := int .Values.replicas -}}
{{- if eq $n 1 }}1{{ else }}{{ max 3 (add1 (div $n 2)) }}{{ end -}}
{{- end }}

{{/* The Secret with the password, and its key. */}}
{{- define "trivet.passwordSecret" -}}
{{ .Values.auth.existingSecret | default (include "trivet.fullname" .) }}
{{- end }}

{{/* A quantity of memory such as 1.5Gi, in bytes. */}}
{{- define "trivet.bytes" -}}
{{- $q := toString . -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $unit := regexFind "[A-Za-z]*$" $q -}}
{{- if not (hasKey $units $unit) }}{{ fail (printf "resources.limits.memory: %q is no quantity of bytes such as 512Mi or 2Gi" $q) }}{{ end -}}
{{- mulf (trimSuffix $unit $q | float64) (get $units $unit) | int64 -}}
{{- end }}

{{/* The container's memory limit in bytes, or nothing. */}}
{{- define "trivet.memoryLimit" -}}
{{- with .Values.resources }}{{ with .limits }}{{ with .memory }}{{ include "trivet.bytes" . }}{{ end }}{{ end }}{{ end -}}
{{- end }}

{{/* The limit of data: that of the values, or half of the memory limit. */}}
{{- define "trivet.maxMemory" -}}
{{- if .Values.server.maxMemory -}}
{{ .Values.server.maxMemory }}
{{- else -}}
{{- with include "trivet.memoryLimit" . }}{{ div (int64 .) 2 }}{{ end -}}
{{- end -}}
{{- end }}

{{/* The Secret with the peer secret. */}}
{{- define "trivet.peerSecret" -}}
{{ .Values.peerSecret.existingSecret | default (include "trivet.fullname" .) }}
{{- end }}

{{/* Refuses steps in which pods that want a proof would meet pods that give none. */}}
{{- define "trivet.validatePeerSecret" -}}
{{- $env := dict }}
{{- range (dig "spec" "template" "spec" "containers" list .old) }}
{{- range .env }}
{{- $_ := set $env .name (.value | default "") }}
{{- end }}
{{- end }}
{{- $replicas := int .old.spec.replicas }}
{{- $status := .old.status | default dict }}
{{- if and (gt $replicas 1) (eq .auth "required") }}
{{- if not (hasKey $env "TRIVET_PEER_SECRET_FILE") }}
{{- fail "peerSecret.auth: the pods of this release have no peer secret yet. Upgrade with --set peerSecret.auth=mixed first, and when all pods are replaced with --set peerSecret.auth=required; docs/kubernetes.md, The first peer secret" }}
{{- end }}
{{- if and (eq (get $env "TRIVET_PEER_AUTH") "mixed") (ne $status.updateRevision $status.currentRevision) (lt (int $status.updatedReplicas) $replicas) }}
{{- fail "peerSecret.auth: not all pods have the peer secret yet. Wait until all are replaced (kubectl rollout status)" }}
{{- end }}
{{- end }}
{{- end }}

{{/* The Secret with the gossip key. */}}
{{- define "trivet.gossipSecret" -}}
{{ .Values.gossip.existingSecret | default (include "trivet.fullname" .) }}
{{- end }}

{{- define "trivet.tlsSecret" -}}
{{ .Values.tls.existingSecret | default (printf "%s-tls" (include "trivet.fullname" .)) }}
{{- end }}

{{- define "trivet.peerTLSSecret" -}}
{{ .Values.peerTLS.existingSecret | default (printf "%s-peer-tls" (include "trivet.fullname" .)) }}
{{- end }}

{{- define "trivet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "trivet.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* The pods' names, in a list. */}}
{{- define "trivet.podNames" -}}
{{- $full := include "trivet.fullname" . -}}
{{- range $i := until (int .Values.replicas) }}
- {{ $full }}-{{ $i }}
{{- end }}
{{- end }}

{{- define "trivet.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the schema cannot say. */}}
{{- define "trivet.validate" -}}
{{- $v := .Values -}}
{{- range $name := list "tls" "peerTLS" }}
{{- $t := get $v $name }}
{{- if and $t.enabled (not $t.existingSecret) (not $t.certManager.enabled) }}
{{- fail (printf "%s.enabled needs a certificate: give %s.existingSecret or %s.certManager" $name $name $name) }}
{{- end }}
{{- if and $t.existingSecret $t.certManager.enabled }}
{{- fail (printf "%s.existingSecret and %s.certManager would both fill one Secret: give one" $name $name) }}
{{- end }}
{{- if and $t.certManager.enabled (not $t.certManager.issuerRef.name) }}
{{- fail (printf "%s.certManager.issuerRef.name is empty: name the issuer" $name) }}
{{- end }}
{{- end }}
{{- if and $v.external.enabled (eq $v.external.type "LoadBalancer") (not $v.external.announce) }}
{{- fail "external.announce is empty: say by which host:port a client finds a pod's load balancer, such as $(POD_NAME).example.org:6379" }}
{{- end }}
{{- if and $v.metrics.serviceMonitor.enabled $v.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor and metrics.podMonitor would both scrape each pod: enable one" }}
{{- end }}
{{- if and $v.auth.usersSecret (not $v.auth.enabled) }}
{{- fail "auth.usersSecret without auth.enabled would leave the default user without a password: enable auth" }}
{{- end }}
{{- if and $v.restore.source (not (hasPrefix "s3://" $v.restore.source)) (not $v.restore.existingClaim) }}
{{- fail "restore.source is a file: name the claim that holds it in restore.existingClaim" }}
{{- end }}
{{- if ne (empty $v.recover.pod) (empty $v.recover.token) }}
{{- fail "recover needs both the pod and the token" }}
{{- end }}
{{- if and $v.recover.pod (not (has $v.recover.pod (include "trivet.podNames" . | fromYamlArray))) }}
{{- fail (printf "recover.pod: %s is none of the pods: %s" $v.recover.pod (include "trivet.podNames" . | fromYamlArray | join ", ")) }}
{{- end }}
{{- if and $v.leaderService.enabled (not $v.serviceAccount.create) (not $v.serviceAccount.name) }}
{{- fail "serviceAccount.name is empty: the namespace's default account, which other pods use too, would get leave to patch trivet's pods. Name one, or set leaderService.enabled=false" }}
{{- end }}
{{- if lt (int $v.terminationGracePeriodSeconds) (add $v.preStopSleepSeconds 15 | int) }}
{{- fail "terminationGracePeriodSeconds: at least 15 s more than preStopSleepSeconds, for handing over and for what clients have asked for" }}
{{- end }}
{{- /* One step down takes a minority; more would stop the pods of a majority at once. */}}
{{- with lookup "apps/v1" "StatefulSet" .Release.Namespace (include "trivet.fullname" .) }}
{{- if le (mul 2 $v.replicas) (int .spec.replicas) }}
{{- fail (printf "replicas: from %d to %d would stop a majority of the members at once. Go down by one step at a time (9, 7, 5, 3); docs/kubernetes.md, Scale, says how to go from 3 to 1" (int .spec.replicas) (int $v.replicas)) }}
{{- end }}
{{- include "trivet.validatePeerSecret" (dict "old" . "auth" $v.peerSecret.auth) }}
{{- end }}
{{- end }}
