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
