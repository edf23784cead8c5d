{{- define "espalier.labels" -}}
app.kubernetes.io/name: espalier
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "espalier.monitorLabels" -}}
{{ include "espalier.labels" . }}
{{- with .root.Values.monitoring.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "espalier.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "espalier.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "espalier.kafkaEnvironment" -}}
- name: KAFKA_BOOTSTRAP_SERVERS
  value: {{ .Values.kafka.bootstrapServers | quote }}
- name: KAFKA_SECURITY_PROTOCOL
  value: {{ .Values.kafka.securityProtocol | quote }}
- name: KAFKA_SASL_MECHANISM
  value: {{ .Values.kafka.saslMechanism | quote }}
- name: KAFKA_SASL_JAAS_CONFIG
  valueFrom:
    secretKeyRef:
      name: {{ .Values.kafka.secretName | quote }}
      key: sasl.jaas.config
- name: KAFKA_SSL_TRUSTSTORE_TYPE
  value: PEM
- name: KAFKA_SSL_TRUSTSTORE_LOCATION
  value: /etc/espalier/kafka/ca.pem
- name: ESPALIER_STORE
  value: /var/lib/espalier/store
{{- with .Values.store.s3 }}
{{- if .bucket }}
- name: S3_BUCKET
  value: {{ .bucket | quote }}
- name: S3_ENDPOINT
  value: {{ .endpoint | quote }}
- name: S3_REGION
  value: {{ .region | quote }}
- name: S3_PREFIX
  value: {{ .prefix | quote }}
- name: S3_PATH_STYLE
  value: {{ .pathStyle | quote }}
- name: S3_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .secretName | quote }}
      key: access-key-id
- name: S3_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .secretName | quote }}
      key: secret-access-key
{{- end }}
{{- end }}
- name: QUARKUS_HTTP_HOST
  value: 0.0.0.0
{{- end }}

{{- define "espalier.mounts" -}}
- name: store
  mountPath: /var/lib/espalier/store
- name: kafka
  mountPath: /etc/espalier/kafka
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}

{{- define "espalier.volumes" -}}
- name: store
{{- if .Values.store.s3.bucket }}
  emptyDir: {}
{{- else }}
  persistentVolumeClaim:
    claimName: {{ .Values.store.claimName | quote }}
{{- end }}
- name: kafka
  secret:
    secretName: {{ .Values.kafka.secretName | quote }}
    items:
      - key: ca.pem
        path: ca.pem
- name: tmp
  emptyDir: {}
{{- end }}
