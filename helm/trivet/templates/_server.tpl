{{/* The variables of `trivet serve`: each is a flag. */}}
{{- define "trivet.serverEnv" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- {name: TRIVET_NAME, value: $(POD_NAME)}
- {name: TRIVET_DATA, value: /data}
- {name: TRIVET_ADVERTISE, value: $(POD_NAME).{{ include "trivet.peersDomain" . }}}
- {name: TRIVET_REDIS, value: ":6379"}
- {name: TRIVET_CLASSIC, value: ":31337"}
- {name: TRIVET_PEER, value: ":7379"}
- {name: TRIVET_GOSSIP, value: ":7946"}
- {name: TRIVET_HTTP, value: ":8379"}
- {name: TRIVET_JOIN, value: "{{ include "trivet.peersDomain" . }}:7946"}
- {name: TRIVET_BOOTSTRAP_EXPECT, value: {{ include "trivet.bootstrapExpect" . | quote }}}
- {name: TRIVET_ON_FOLLOWER, value: {{ .Values.server.onFollower }}}
- {name: TRIVET_READS, value: {{ .Values.server.reads }}}
- {name: TRIVET_MAX_CLIENTS, value: {{ .Values.server.maxClients | quote }}}
{{- with include "trivet.maxMemory" . }}
- {name: TRIVET_MAX_MEMORY, value: {{ . | quote }}}
{{- end }}
{{- with .Values.server.queueMetrics }}
- {name: TRIVET_QUEUE_METRICS, value: {{ join "," . | quote }}}
{{- end }}
- {name: TRIVET_LOG_LEVEL, value: {{ .Values.server.logLevel }}}
- {name: TRIVET_LOG_FORMAT, value: {{ .Values.server.logFormat }}}
{{- if .Values.leaderService.enabled }}
- {name: TRIVET_KUBERNETES_LABELS, value: "true"}
{{- end }}
{{- if .Values.gossip.encrypted }}
- {name: TRIVET_GOSSIP_KEY_FILE, value: /etc/trivet/gossip/gossip-key}
{{- end }}
{{- if not .Values.auth.enabled }}
- {name: TRIVET_PROTECTED_MODE, value: "no"}
{{- end }}
{{- if ne .Values.clusterDomain "cluster.local" }}
- {name: TRIVET_HTTP_HOSTS, value: {{ printf ".%s.svc.%s" .Release.Namespace .Values.clusterDomain | quote }}}
{{- end }}
{{- if .Values.auth.usersSecret }}
- {name: TRIVET_USERS_FILE, value: /etc/trivet/users/users.acl}
{{- end }}
{{- if .Values.tls.enabled }}
- {name: TRIVET_TLS_CERT_FILE, value: /etc/trivet/tls/tls.crt}
- {name: TRIVET_TLS_KEY_FILE, value: /etc/trivet/tls/tls.key}
- {name: TRIVET_TLS_CA_CERT_FILE, value: /etc/trivet/tls/ca.crt}
- {name: TRIVET_TLS_AUTH_CLIENTS, value: {{ .Values.tls.authClients | quote }}}
# For the program's other commands, run in the pod: a name in the certificate.
- {name: TRIVET_ADDR, value: "$(POD_NAME).{{ include "trivet.peersDomain" . }}:6379"}
{{- end }}
{{- if .Values.peerTLS.enabled }}
- {name: TRIVET_PEER_TLS_CERT_FILE, value: /etc/trivet/peer-tls/tls.crt}
- {name: TRIVET_PEER_TLS_KEY_FILE, value: /etc/trivet/peer-tls/tls.key}
- {name: TRIVET_PEER_TLS_CA_CERT_FILE, value: /etc/trivet/peer-tls/ca.crt}
{{- end }}
{{- if .Values.external.enabled }}
- name: POD_INDEX
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}
- name: HOST_IP
  valueFrom: {fieldRef: {fieldPath: status.hostIP}}
{{- /* The index is the last digit of the port, as the base ends in 0. */}}
- {name: TRIVET_ANNOUNCE, value: {{ .Values.external.announce | default (printf "$(HOST_IP):%d$(POD_INDEX)" (div .Values.external.nodePortBase 10)) | quote }}}
{{- end }}
{{- with .Values.recover }}
{{- if .pod }}
- {name: TRIVET_RECOVER, value: {{ printf "%s:%s" .pod .token | quote }}}
{{- end }}
{{- end }}
{{- with include "trivet.memoryLimit" . }}
- {name: GOMEMLIMIT, value: {{ div (mul (int64 .) 8) 10 | quote }}}
{{- end }}
{{- end }}

{{/* Where pods run. */}}
{{- define "trivet.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $selector := dict "matchLabels" (include "trivet.selectorLabels" . | fromYaml) }}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" $selector }}
{{- if .Values.affinity }}
affinity:
  {{- toYaml .Values.affinity | nindent 2 }}
{{- else if eq .Values.podAntiAffinityPreset "hard" }}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      {{- toYaml (list $term) | nindent 6 }}
{{- else if eq .Values.podAntiAffinityPreset "soft" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- toYaml (list (dict "weight" 100 "podAffinityTerm" $term)) | nindent 6 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- toYaml (list (merge (dict) . (dict "labelSelector" $selector))) | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "trivet.volumes" -}}
{{- if not .Values.persistence.enabled }}
- name: data
  emptyDir: {}
{{- end }}
{{- if .Values.gossip.encrypted }}
- name: gossip
  secret:
    secretName: {{ include "trivet.gossipSecret" . }}
    items: [{key: gossip-key, path: gossip-key}]
{{- end }}
{{- with .Values.auth.usersSecret }}
- name: users
  secret: {secretName: {{ . }}}
{{- end }}
{{- if .Values.tls.enabled }}
- name: tls
  secret: {secretName: {{ include "trivet.tlsSecret" . }}}
{{- end }}
{{- if .Values.peerTLS.enabled }}
- name: peer-tls
  secret: {secretName: {{ include "trivet.peerTLSSecret" . }}}
{{- end }}
{{- end }}
