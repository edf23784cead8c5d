package dev.espalier.e2e.helm;

import static dev.espalier.e2e.helm.Chart.DIRECTORY;
import static dev.espalier.e2e.helm.Chart.container;
import static dev.espalier.e2e.helm.Chart.pod;
import static dev.espalier.e2e.helm.Chart.render;
import static dev.espalier.e2e.helm.Chart.variables;
import static dev.espalier.e2e.helm.HelmChartTest.GPU;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an installation says of its provider's tokens, its teams, its retention and its workers. */
class HelmSettingsTest {

  static final String SHARED =
      GPU.replace("tlsSecretName: tls", "tlsSecretName: tls, rolesClaim: realm_access.roles")
              .replace("gpus: 1", "gpus: 1\n    labels: {gpu-model: A100 80 GB, room.no: \"7\"}")
          + "teams: {vision-lab: {weight: 2.5, slots: 0}, nlp: {deviceHours: 500}}\n"
          + "retention: {metricsDays: 30}\n";

  @Test
  void claimsTeamsRetentionAndLabelsReachTheServices() throws IOException {
    assertThat(variables(container(pod(SHARED, "lab-scheduler"))))
        .containsEntry("ESPALIER_SECURITY_AUDIENCE", "espalier")
        .containsEntry("ESPALIER_SECURITY_ROLES_CLAIM", "realm_access.roles")
        .containsEntry("ESPALIER_SECURITY_TEAMS_CLAIM", "teams")
        .containsEntry("ESPALIER_SECURITY_NAME_CLAIM", "preferred_username")
        .doesNotContainKey("ESPALIER_SECURITY_JWKS")
        .containsEntry("espalier.teams.vision-lab.weight", "2.5")
        .containsEntry("espalier.teams.vision-lab.slots", "0")
        .containsEntry("espalier.teams.nlp.device-hours", "500")
        .doesNotContainKey("espalier.teams.nlp.weight")
        .containsEntry("ESPALIER_RETENTION_DELETED_DAYS", "7")
        .containsEntry("ESPALIER_RETENTION_METRICS_DAYS", "30");
    assertThat(variables(container(pod(SHARED, "lab-trainer-a100"))))
        .containsEntry("espalier.worker.labels.gpu-model", "A100 80 GB")
        .containsEntry("espalier.worker.labels.room.no", "7");
    String keys =
        SHARED.replace("rolesClaim:", "jwks: \"https://keys.example:8443/k\", rolesClaim:");
    assertThat(variables(container(pod(keys, "lab-scheduler"))))
        .containsEntry("ESPALIER_SECURITY_JWKS", "https://keys.example:8443/k");
    assertThat(render(DIRECTORY, keys).toString()).contains("port=8443, protocol");
    String ca = SHARED.replace("rolesClaim:", "issuerCaSecretName: lab-ca, rolesClaim:");
    Map<String, Object> trusting = pod(ca, "lab-scheduler");
    assertThat(variables(container(trusting)))
        .containsEntry("ESPALIER_SECURITY_ISSUER_CA", "/etc/espalier/issuer/ca.crt");
    assertThat(container(trusting).toString()).contains("mountPath=/etc/espalier/issuer");
    assertThat(trusting.toString()).contains("secretName=lab-ca");
  }

  @Test
  void whatWorkersKeepIsSaidInWholeBytes() throws IOException {
    String little = SHARED + "cache: {diskBytes: 0, datasetBytes: 1073741824}\n";
    assertThat(variables(container(pod(SHARED, "lab-trainer-a100"))))
        .containsEntry("ESPALIER_CACHE_DISK_BYTES", "10737418240")
        .containsEntry("ESPALIER_CACHE_DATASET_BYTES", "268435456");
    assertThat(variables(container(pod(little, "lab-trainer-a100"))))
        .containsEntry("ESPALIER_CACHE_DISK_BYTES", "0")
        .containsEntry("ESPALIER_CACHE_DATASET_BYTES", "1073741824");
    assertThatThrownBy(() -> render(DIRECTORY, little.replace("diskBytes: 0", "diskBytes: 10Gi")))
        .hasMessageContaining("/cache/diskBytes");
  }

  @ParameterizedTest
  @CsvSource({
    "'rolesClaim:', 'roleClaim:', roleClaim",
    "'weight: 2.5', 'weight: 0', /teams/vision-lab/weight",
    "'slots: 0', 'slot: 0', slot",
    "'vision-lab:', 'vision.lab:', vision.lab",
    "'metricsDays: 30', 'metricDays: 30', metricDays",
    "'room.no:', '\"room no\":', room no",
    "'room.no: \"7\"', 'room.no: 7', /pools/0/labels/room.no"
  })
  void aWrongShareClaimOrLabelIsRefusedByName(String right, String wrong, String named) {
    assertThat(SHARED).contains(right);

    assertThatThrownBy(() -> render(DIRECTORY, SHARED.replace(right, wrong)))
        .hasMessageContaining(named);
  }
}
