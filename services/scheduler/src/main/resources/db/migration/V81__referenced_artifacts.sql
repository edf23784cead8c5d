-- Whoever collects unreferenced files asks for many digests at once.
create index stage_output_by_sha256 on stage_output (sha256);
