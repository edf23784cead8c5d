package dev.espalier.artifacts.store;

import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import org.gaul.s3proxy.AuthenticationType;
import org.gaul.s3proxy.S3Proxy;
import org.jclouds.ContextBuilder;
import org.jclouds.blobstore.BlobStore;
import org.jclouds.blobstore.BlobStoreContext;
import org.jclouds.blobstore.TransientApiMetadata;
import org.jclouds.blobstore.domain.Blob;
import org.jclouds.blobstore.options.GetOptions;
import org.jclouds.blobstore.util.ForwardingBlobStore;

/** S3Proxy in this process with a bucket in memory: a service that is none of our own writing. */
final class S3Server implements AutoCloseable {

  static final String BUCKET = "artifacts";
  static final String KEY = "espalier";
  static final String SECRET = "a secret of tests";

  final int port;

  /** Objects that were sent to readers. */
  final AtomicInteger fetched = new AtomicInteger();

  private final BlobStoreContext context;
  private final BlobStore objects;
  private final S3Proxy proxy;

  S3Server() {
    context =
        ContextBuilder.newBuilder(new TransientApiMetadata())
            .credentials(KEY, SECRET)
            .build(BlobStoreContext.class);
    objects = context.getBlobStore();
    proxy =
        S3Proxy.builder()
            .blobStore(counting(objects))
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V4, KEY, SECRET)
            .build();
    try {
      proxy.start();
    } catch (Exception e) {
      throw new IllegalStateException("S3Proxy does not start", e);
    }
    port = proxy.getPort();
    objects.createContainerInLocation(null, BUCKET);
  }

  private BlobStore counting(BlobStore counted) {
    return new ForwardingBlobStore(counted) {
      @Override
      public Blob getBlob(String container, String name, GetOptions options) {
        fetched.incrementAndGet();
        return super.getBlob(container, name, options);
      }
    };
  }

  /** An empty bucket again. */
  void clear() {
    objects.clearContainer(BUCKET);
  }

  boolean exists(String key) {
    return objects.blobExists(BUCKET, key);
  }

  /** Puts bytes under a key without looking at them. */
  void damage(String key, byte[] bytes) {
    objects.putBlob(BUCKET, objects.blobBuilder(key).payload(bytes).build());
  }

  long count() {
    return objects.countBlobs(BUCKET);
  }

  S3Settings settings() {
    return settings(port, KEY, SECRET);
  }

  static S3Settings settings(int port, String key, String secret) {
    return new S3Settings(
        URI.create("http://127.0.0.1:" + port),
        "us-east-1",
        BUCKET,
        "espalier/",
        true,
        key,
        secret);
  }

  @Override
  public void close() {
    try {
      proxy.stop();
    } catch (Exception e) {
      throw new IllegalStateException("S3Proxy does not stop", e);
    }
    context.close();
  }
}
