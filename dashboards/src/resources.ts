import { board, cellLink, column, lines, prom, sql, stat, table, variable } from './kit.js';

const HERE = 'job=~"${job:regex}"';
const NOBODY = 'Nothing of this service is scraped';
const NO_GPU = 'No GPU exporter is scraped';
const WHO = '{{job}} {{instance}}';

export const resources = board('espalier-resources', 'What the processes take of their machines, and which worker does what.', 'now-1h',
  [
    variable('job', 'Service', prom('label_values(up, job)', ''), { multi: true, includeAll: true, allValue: '.*' }),
    variable('worker', 'Worker', sql('select worker_id as __text, worker_id as __value from dash.worker order by heartbeat_at desc limit 200')),
  ],
  [
    table({ title: 'Workers', means: 'All that are alive or were lately. A heartbeat older than the lease: the worker is lost.', unit: 'short', empty: 'No worker ever joined',
      queries: [sql('select worker_id, service, state, slots, busy, device, host, software_version, heartbeat_age_seconds, joined_at from dash.worker order by state, service, joined_at desc limit 200')],
      overrides: [column('heartbeat_age_seconds', ['unit', 's']), column('worker_id', cellLink('Its attempts', '/d/espalier-resources?var-worker=${__data.fields.worker_id}&${__url_time_range}'))] }),
    table({ title: 'Attempts of the worker', means: 'What the chosen worker did in this time range, latest first.', unit: 'short', empty: 'No attempt in this time range',
      queries: [sql(`select assigned_at, ended_at, kind, algorithm, outcome, cause_code, sweep_id, stage_id from dash.sweep_attempt
        where worker_id = \${worker:sqlstring} and assigned_at <= $__timeTo() and coalesce(ended_at, now()) >= $__timeFrom() order by assigned_at desc limit 200`)],
      overrides: [column('sweep_id', cellLink('Sweep', '/d/espalier-sweep?var-sweep=${__value.raw}&${__url_time_range}'))] }),
    lines({ title: 'CPU of the process', means: 'Share of all cores. A trainer should be near threads / cores while it trains.', unit: 'percentunit', empty: NOBODY, queries: [prom(`process_cpu_usage{${HERE}}`, WHO)] }),
    lines({ title: 'CPU of the machine', means: 'Share of all cores, by everybody. At 100 % latencies of evaluations are not to be trusted.', unit: 'percentunit', empty: NOBODY, queries: [prom(`system_cpu_usage{${HERE}}`, WHO)] }),
    lines({ title: 'Load per core', means: 'Above 1 work waits for a core.', unit: 'short', empty: NOBODY, queries: [prom(`system_load_average_1m{${HERE}} / system_cpu_count{${HERE}}`, WHO)] }),
    lines({ title: 'Resident memory', means: 'With tensors, which the heap does not hold.', unit: 'bytes', empty: NOBODY, queries: [prom(`espalier_process_resident_bytes{${HERE}}`, WHO)] }),
    lines({ title: 'Heap', means: 'Share of the largest heap allowed.', unit: 'percentunit', empty: NOBODY, queries: [prom(`sum by (job, instance) (jvm_memory_used_bytes{area="heap",${HERE}}) / sum by (job, instance) (jvm_memory_max_bytes{area="heap",${HERE}} > 0)`, WHO)] }),
    lines({ title: 'Threads', means: 'Growing without end: a leak.', unit: 'short', empty: NOBODY, queries: [prom(`jvm_threads_live_threads{${HERE}}`, WHO)] }),
    lines({ title: 'Open files', means: 'Share of the limit.', unit: 'percentunit', empty: NOBODY, queries: [prom(`process_files_open_files{${HERE}} / process_files_max_files{${HERE}}`, WHO)] }),
    lines({ title: 'Slots in use', means: 'Stages that the process runs, by its own count.', unit: 'short', empty: 'No worker is scraped', queries: [prom(`espalier_worker_stages_running{${HERE}}`, WHO)] }),
    lines({ title: 'Restarts', means: 'Of the process behind the same address, in the last hour.', unit: 'short', empty: NOBODY, queries: [prom(`changes(process_start_time_seconds{${HERE}}[1h])`, WHO)] }),
    lines({ title: 'Room in the artifact store', means: 'Free share of the disk. Below 10 %: add room; a full store fails stages with STORE_FULL.', unit: 'percentunit', empty: NOBODY, queries: [prom(`espalier_store_free_bytes{${HERE}} / espalier_store_size_bytes{${HERE}}`, WHO)] }),
    stat({ title: 'GPUs seen', means: 'GPUs that NVIDIA\'s DCGM exporter tells of. 0: there is no exporter, which says nothing about GPUs.', unit: 'short', empty: NO_GPU, width: 8, height: 8,
      queries: [prom('count(DCGM_FI_DEV_GPU_UTIL) or vector(0)', 'GPUs')],
      defaults: { mappings: [{ type: 'value' as never, options: { '0': { text: NO_GPU, index: 0 } } }] } }),
    lines({ title: 'GPU in use', means: 'Share of time with a kernel running.', unit: 'percent', empty: NO_GPU, queries: [prom('DCGM_FI_DEV_GPU_UTIL', '{{Hostname}} {{gpu}}')] }),
    lines({ title: 'GPU memory', means: 'Used MiB. At the top: smaller batches.', unit: 'mbytes', empty: NO_GPU, queries: [prom('DCGM_FI_DEV_FB_USED', '{{Hostname}} {{gpu}}')] }),
  ]);
