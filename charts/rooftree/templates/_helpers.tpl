{{- define "rooftree.labels" -}}
app.kubernetes.io/part-of: rooftree
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "rooftree.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "rooftree.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Where a component's pods run and what their images are pulled with: (list $ .Values.operator). */ -}}
{{- define "rooftree.placement" -}}
{{- with (index . 0).Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with (index . 1).nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with (index . 1).tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with (index . 1).affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- end -}}

{{- /* The volume of backups, and the operator's claim of it: neither can be changed, so another volume has another name. */ -}}
{{- define "rooftree.backupsVolume" -}}
rooftree-backups-{{ .Values.backups.volume | toJson | sha256sum | trunc 8 }}
{{- end -}}

{{- /* What the operator of a shard is called: its Deployment, its pods and its Lease. */ -}}
{{- define "rooftree.operatorName" -}}
rooftree-operator{{ with . }}-{{ . }}{{ end }}
{{- end -}}

{{/* What Prometheus calls a tenant's pod. */}}
{{- define "rooftree.podLabels" -}}
- {sourceLabels: [__meta_kubernetes_pod_label_rooftree_dev_tenant], targetLabel: tenant}
# The module of a pod that has one only; pods with all modules are named `app`.
- {sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_name], regex: (app)|(.+), replacement: $2, targetLabel: module}
{{- end }}
