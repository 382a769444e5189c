{{/* What a container needs to call the nodes: address, password, certificates.
The same variables let `kubectl exec POD -- /trivet status` do without flags. */}}
{{- define "trivet.clientEnv" -}}
{{- if .Values.auth.enabled }}
- name: TRIVET_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "trivet.passwordSecret" . }}
      key: {{ .Values.auth.passwordKey }}
{{- end }}
{{- if .Values.tls.enabled }}
- {name: TRIVET_TLS, value: "true"}
- {name: TRIVET_CACERT, value: /etc/trivet/tls/ca.crt}
{{- if eq .Values.tls.authClients "yes" }}
- {name: TRIVET_CERT, value: /etc/trivet/tls/tls.crt}
- {name: TRIVET_KEY, value: /etc/trivet/tls/tls.key}
{{- end }}
{{- end }}
{{- end }}

{{- define "trivet.s3Env" -}}
{{- with .Values.s3.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- with .Values.s3.region }}
- {name: AWS_REGION, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* The name of a Service of this release, with the port for Redis clients. */}}
{{- define "trivet.serviceAddress" -}}
{{ include "trivet.fullname" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:6379
{{- end }}

{{/* The pod of a Job that runs the program once. A dict of root, args, and
optionally addr, s3 (whether it needs S3), claim and path (a volume for files). */}}
{{- define "trivet.jobPod" -}}
{{- $ := .root -}}
metadata:
  labels:
    app.kubernetes.io/name: {{ include "trivet.name" $ }}
    app.kubernetes.io/instance: {{ $.Release.Name }}
    app.kubernetes.io/component: job
    {{- with $.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "trivet.jobPodSpec" . | nindent 2 }}
{{- end }}

{{- define "trivet.jobPodSpec" -}}
{{- $ := .root -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
serviceAccountName: {{ include "trivet.serviceAccountName" $ }}
{{- with include "trivet.pullSecrets" $ | trim }}
{{ . }}
{{- end }}
{{- with $.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml $.Values.podSecurityContext | nindent 2 }}
containers:
  - name: trivet
    image: {{ include "trivet.image" $ }}
    imagePullPolicy: {{ $.Values.image.pullPolicy }}
    args:
      {{- toYaml .args | nindent 6 }}
    env:
      - {name: TRIVET_ADDR, value: {{ .addr | default (include "trivet.serviceAddress" $) | quote }}}
      {{- with include "trivet.clientEnv" $ | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if .s3 }}
      {{- with include "trivet.s3Env" $ | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- end }}
    {{- if and .s3 $.Values.s3.existingSecret }}
    envFrom:
      - secretRef: {name: {{ $.Values.s3.existingSecret }}}
    {{- end }}
    securityContext:
      {{- toYaml $.Values.securityContext | nindent 6 }}
    {{- with $.Values.jobResources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if or .claim $.Values.tls.enabled }}
    volumeMounts:
      {{- if .claim }}
      - {name: files, mountPath: {{ .path }}}
      {{- end }}
      {{- if $.Values.tls.enabled }}
      - {name: tls, mountPath: /etc/trivet/tls, readOnly: true}
      {{- end }}
    {{- end }}
{{- if or .claim $.Values.tls.enabled }}
volumes:
  {{- if .claim }}
  - name: files
    persistentVolumeClaim: {claimName: {{ .claim }}}
  {{- end }}
  {{- if $.Values.tls.enabled }}
  - name: tls
    secret: {secretName: {{ include "trivet.tlsSecret" $ }}}
  {{- end }}
{{- end }}
{{- end }}
