package dev.espalier.e2e.repository;

import java.io.IOException;
import java.io.Reader;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * The settings that a service reads, found in its packaged classes, its sources and its defaults.
 */
public final class ServiceSettings {

  private static final Pattern NAME = Pattern.compile("\"((?:espalier|kafka|s3)(?:[.-][a-z]+)+)\"");

  /** What Quarkus reads for a service with this extension. */
  private static final Set<String> DATASOURCE =
      Set.of(
          "quarkus.datasource.jdbc.url",
          "quarkus.datasource.username",
          "quarkus.datasource.password");

  private ServiceSettings() {}

  /** Names of settings; where any name may stand, as that of a team, it has {@code *}. */
  public static Set<String> of(String application) throws Exception {
    Path module = Repository.root().resolve("services/" + application);
    Set<String> names = new HashSet<>(defaults(module));
    names.addAll(literals(module.resolve("src/main/java")));
    // Every service opens the artifact store by its settings.
    names.addAll(literals(Repository.root().resolve("services/artifacts/src/main/java")));
    if (Files.readString(module.resolve("pom.xml")).contains("quarkus-jdbc-postgresql")) {
      names.addAll(DATASOURCE);
    }
    names.addAll(kafka());
    names.addAll(mapped(module));
    return names;
  }

  /**
   * Whether one of the settings is read from this variable: in capitals, or, so that names of teams
   * and labels stay as they are, spelt as the setting itself.
   */
  public static boolean read(Set<String> settings, String variable) {
    return settings.stream()
        .anyMatch(
            setting ->
                setting.contains("*")
                    ? variable.matches(setting.replace(".", "\\.").replace("*", "[\\w.-]+"))
                    : variable.equals(
                        setting.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT)));
  }

  /** Every setting of Kafka's clients reaches them, by {@code KafkaSettings.read}. */
  private static Set<String> kafka() {
    return Stream.of(
            AdminClientConfig.configNames(),
            ProducerConfig.configNames(),
            ConsumerConfig.configNames())
        .flatMap(Set::stream)
        .map(name -> "kafka." + name)
        .collect(Collectors.toSet());
  }

  private static Set<String> defaults(Path module) throws IOException {
    Properties properties = new Properties();
    try (Reader reader =
        Files.newBufferedReader(module.resolve("src/main/resources/application.properties"))) {
      properties.load(reader);
    }
    return properties.stringPropertyNames();
  }

  private static Set<String> literals(Path sources) throws IOException {
    Set<String> names = new HashSet<>();
    for (Path file : files(sources, ".java")) {
      Matcher name = NAME.matcher(Files.readString(file));
      while (name.find()) {
        names.add(name.group(1));
      }
    }
    return names;
  }

  /** Properties of the {@code @ConfigMapping} interfaces, which all have the prefix espalier. */
  private static Set<String> mapped(Path module) throws Exception {
    Path classes = module.resolve("target/classes");
    Set<String> names = new HashSet<>();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      for (Path file : files(classes, "Config.class")) {
        String name = classes.relativize(file).toString();
        Class<?> mapping = loader.loadClass(name.substring(0, name.length() - 6).replace('/', '.'));
        if (mapping.isInterface()) {
          collect(mapping, "espalier", names);
        }
      }
    }
    return names;
  }

  private static void collect(Class<?> mapping, String prefix, Set<String> names) {
    for (Method method : mapping.getDeclaredMethods()) {
      String kebab = method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
      Class<?> type = method.getReturnType();
      if (method.getGenericReturnType() instanceof ParameterizedType map && type == Map.class) {
        Class<?> values = (Class<?>) map.getActualTypeArguments()[1];
        if (values.isInterface()) {
          collect(values, prefix + "." + kebab + ".*", names);
        } else {
          names.add(prefix + "." + kebab + ".*");
        }
      } else if (type.isInterface() && type.getEnclosingClass() == mapping) {
        collect(type, prefix + "." + kebab, names);
      } else {
        names.add(prefix + "." + kebab);
      }
    }
  }

  private static List<Path> files(Path directory, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(file -> file.toString().endsWith(ending)).toList();
    }
  }
}
