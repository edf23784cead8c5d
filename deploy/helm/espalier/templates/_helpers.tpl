{{- define "espalier.labels" -}}
app.kubernetes.io/name: espalier
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Of what an operator makes pods from: it may pass them on, and our policies must not catch those. */ -}}
{{- define "espalier.operatedLabels" -}}
app.kubernetes.io/part-of: {{ .Release.Name }}-espalier
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

{{- /* Brokers, credentials and authority, ours to name where an operator makes them. */ -}}
{{- define "espalier.bootstrapServers" -}}
{{- if eq .Values.kafka.mode "strimzi" }}{{ .Release.Name }}-kafka-kafka-bootstrap:9093
{{- else }}{{ .Values.kafka.bootstrapServers }}{{ end }}
{{- end }}

{{- define "espalier.kafkaSecret" -}}
{{- if eq .Values.kafka.mode "strimzi" }}{{ .Release.Name }}-espalier{{ else }}{{ .Values.kafka.secretName }}{{ end }}
{{- end }}

{{- define "espalier.jdbcUrl" -}}
{{- if eq .Values.postgres.mode "cnpg" }}jdbc:postgresql://{{ .Release.Name }}-postgres-rw:5432/espalier?sslmode=require
{{- else }}{{ .Values.postgres.jdbcUrl }}{{ end }}
{{- end }}

{{- define "espalier.postgresSecret" -}}
{{- if eq .Values.postgres.mode "cnpg" }}{{ .Release.Name }}-postgres-app{{ else }}{{ .Values.postgres.secretName }}{{ end }}
{{- end }}

{{- define "espalier.kafkaEnvironment" -}}
- name: KAFKA_BOOTSTRAP_SERVERS
  value: {{ include "espalier.bootstrapServers" . | quote }}
- name: KAFKA_SECURITY_PROTOCOL
  value: {{ .Values.kafka.securityProtocol | quote }}
- name: KAFKA_SASL_MECHANISM
  value: {{ ternary "SCRAM-SHA-512" .Values.kafka.saslMechanism (eq .Values.kafka.mode "strimzi") | quote }}
- name: KAFKA_SASL_JAAS_CONFIG
  valueFrom:
    secretKeyRef:
      name: {{ include "espalier.kafkaSecret" . | quote }}
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
    {{- if eq .Values.kafka.mode "strimzi" }}
    secretName: {{ .Release.Name }}-kafka-cluster-ca-cert
    items:
      - key: ca.crt
        path: ca.pem
    {{- else }}
    secretName: {{ .Values.kafka.secretName | quote }}
    items:
      - key: ca.pem
        path: ca.pem
    {{- end }}
- name: tmp
  emptyDir: {}
{{- end }}

{{- /* A scheduler's, and the migration's, which is the same program. */ -}}
{{- define "espalier.schedulerEnvironment" -}}
{{ include "espalier.kafkaEnvironment" . }}
- name: QUARKUS_HTTP_SSL_PORT
  value: "8443"
- name: QUARKUS_HTTP_INSECURE_REQUESTS
  value: disabled
- name: QUARKUS_HTTP_SSL_CERTIFICATE_FILES
  value: /etc/espalier/tls/tls.crt
- name: QUARKUS_HTTP_SSL_CERTIFICATE_KEY_FILES
  value: /etc/espalier/tls/tls.key
- name: QUARKUS_DATASOURCE_JDBC_URL
  value: {{ include "espalier.jdbcUrl" . | quote }}
- name: QUARKUS_DATASOURCE_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ include "espalier.postgresSecret" . | quote }}
      key: username
- name: QUARKUS_DATASOURCE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "espalier.postgresSecret" . | quote }}
      key: password
- name: ESPALIER_SECURITY_MODE
  value: secured
{{- if .Values.security.usersSecretName }}
- name: ESPALIER_SECURITY_USERS
  value: /etc/espalier/users/users
{{- end }}
{{- if .Values.security.issuer }}
- name: ESPALIER_SECURITY_ISSUER
  value: {{ .Values.security.issuer | quote }}
{{- if .Values.security.issuerCaSecretName }}
- name: ESPALIER_SECURITY_ISSUER_CA
  value: /etc/espalier/issuer/ca.crt
{{- end }}
{{- range $key, $variable := dict "audience" "AUDIENCE" "jwks" "JWKS" "nameClaim" "NAME_CLAIM" "rolesClaim" "ROLES_CLAIM" "teamsClaim" "TEAMS_CLAIM" }}
{{- with get $.Values.security $key }}
- name: ESPALIER_SECURITY_{{ $variable }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- /* Names as the service spells them: in capitals a dash, and what is small, would be lost. */ -}}
{{- range $team, $share := .Values.teams }}
{{- range $key, $setting := dict "weight" "weight" "slots" "slots" "deviceHours" "device-hours" }}
{{- if hasKey $share $key }}
- name: espalier.teams.{{ $team }}.{{ $setting }}
  value: {{ get $share $key | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.retention }}
- name: ESPALIER_RETENTION_DELETED_DAYS
  value: {{ .deletedDays | quote }}
- name: ESPALIER_RETENTION_METRICS_DAYS
  value: {{ .metricsDays | quote }}
{{- end }}
- name: ESPALIER_LEASE_DURATION
  value: {{ printf "%vs" .Values.scheduler.leaseSeconds | quote }}
- name: ESPALIER_CHECKPOINT_INTERVAL
  value: {{ printf "%vs" .Values.scheduler.checkpointSeconds | quote }}
{{- end }}

{{- define "espalier.schedulerMounts" -}}
{{ include "espalier.mounts" . }}
- name: tls
  mountPath: /etc/espalier/tls
  readOnly: true
{{- if .Values.security.usersSecretName }}
- name: users
  mountPath: /etc/espalier/users
  readOnly: true
{{- end }}
{{- if .Values.security.issuerCaSecretName }}
- name: issuer-ca
  mountPath: /etc/espalier/issuer
  readOnly: true
{{- end }}
{{- end }}

{{- define "espalier.schedulerVolumes" -}}
{{ include "espalier.volumes" . }}
- name: tls
  secret:
    secretName: {{ .Values.security.tlsSecretName | quote }}
{{- if .Values.security.usersSecretName }}
- name: users
  secret:
    secretName: {{ .Values.security.usersSecretName | quote }}
{{- end }}
{{- if .Values.security.issuerCaSecretName }}
- name: issuer-ca
  secret:
    secretName: {{ .Values.security.issuerCaSecretName | quote }}
{{- end }}
{{- end }}

{{- /* A GPU needs libraries that the plain image lacks: Dockerfile.cuda's, told by its tag. */ -}}
{{- define "espalier.poolImage" -}}
{{- $image := .root.Values.image }}
{{- $built := ternary "-cuda" "" (gt (int .pool.gpus) 0) }}
{{- .pool.image | default (printf "%s-%s:%s%s" $image.repository .pool.service $image.tag $built) }}
{{- end }}

{{- /* Stages that a service's workers take, as labels of espalier_stages_runnable. */ -}}
{{- define "espalier.stages" -}}
{{- get (dict "trainer" "pretrain|search|prune|finetune" "redistributor" "redistribute" "evaluator" "evaluate") . }}
{{- end }}

{{- /* Port of host:port, or the default. */ -}}
{{- define "espalier.port" -}}
{{- regexFind ":[0-9]+$" (trim .address) | trimPrefix ":" | default (toString .default) }}
{{- end }}

{{- define "espalier.urlPort" -}}
{{- $url := urlParse . }}
{{- include "espalier.port" (dict "address" $url.host "default" (ternary 80 443 (eq $url.scheme "http"))) }}
{{- end }}
