import { board, column, lines, prom, stat } from './kit.js';

const QUANTILES: [string, string][] = [['0.5', 'half'], ['0.95', '95 %'], ['0.99', '99 %']];
const quantiles = (metric: string, selector = '') =>
  QUANTILES.map(([q, name]) => prom(`histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket${selector}[$__rate_interval])))`, name));
const NOT_SCRAPED = 'No scheduler is scraped';
const QUIET = 'Nothing of it in this time range';
const SERVICES = 'job=~"scheduler|trainer|redistributor|evaluator"';

export const platform = board('espalier-platform', 'Whether decisions are made, handed over and recorded in time. Schedulers all tell the same queue, so replicas are not summed.', 'now-1h', [], [
  stat({ title: 'Services up', means: 'Processes that answer Prometheus, by service. One missing: EspalierTargetDown says which.', unit: 'short', empty: 'Nothing is scraped', width: 8,
    queries: [prom(`sum by (job) (up{${SERVICES}})`, '{{job}}')] }),
  stat({ title: 'Workers alive', means: 'Workers whose heartbeats arrive, by service.', unit: 'short', empty: NOT_SCRAPED, width: 8,
    queries: [prom('max by (pool) (espalier_workers_alive)', '{{pool}}')] }),
  stat({ title: 'Handed over within a second', means: 'Objective 99 %. Below: look at the relay and the broker.', unit: 'percentunit', empty: 'No stage was assigned in this time range',
    queries: [prom('sum(rate(espalier_assignment_delivery_seconds_bucket{le="1.0"}[$__range])) / sum(rate(espalier_assignment_delivery_seconds_count[$__range]))', 'within 1 s')] }),
  stat({ title: 'API within half a second', means: 'Objective 99 % of requests answered without a server error and within 0.5 s.', unit: 'percentunit', empty: 'No request in this time range',
    queries: [prom('sum(rate(http_server_requests_seconds_bucket{le="0.5",status!~"5.."}[$__range])) / sum(rate(http_server_requests_seconds_count[$__range]))', 'good')] }),
  lines({ title: 'Runnable stages', means: 'Stages that could start now and have no slot. Rising for long: add workers of the kind that is missing.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('max by (stage) (espalier_stages_runnable)', '{{stage}}')] }),
  lines({ title: 'Age of the oldest runnable stage', means: 'How long the longest waits. With free slots this must not grow.', unit: 's', empty: NOT_SCRAPED,
    queries: [prom('max by (stage) (espalier_stages_runnable_oldest_age_seconds)', '{{stage}}')] }),
  lines({ title: 'Slots', means: 'Slots and how many of them hold a lease. Busy at the top: the platform is full.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('max by (pool) (espalier_slots_busy)', '{{pool}} busy'), prom('max by (pool) (espalier_slots)', '{{pool}} slots')] }),
  lines({ title: 'Wait until assigned', means: 'From runnable to a lease, waiting for a free slot included.', unit: 's', empty: QUIET, queries: quantiles('espalier_stage_wait_seconds') }),
  lines({ title: 'Assignment latency', means: 'From the lease\'s commit to the worker, by both machines\' clocks: relay and broker. Objective: 99 % within 1 s.', unit: 's', empty: QUIET, queries: quantiles('espalier_assignment_delivery_seconds') }),
  lines({ title: 'Leases ended and workers lost', means: 'expired: a worker fell silent; stalled: no headway. Single ones are survived; a series of them is a bad machine.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('sum by (reason) (increase(espalier_leases_ended_total[5m]))', '{{reason}}'), prom('sum(increase(espalier_workers_lost_total[5m]))', 'workers lost')] }),
  lines({ title: 'Stage outcomes', means: 'Attempts that ended in the last 5 minutes.', unit: 'short', empty: QUIET,
    queries: [prom('sum by (stage, outcome) (increase(espalier_stage_attempt_duration_seconds_count[5m]))', '{{stage}} {{outcome}}')] }),
  lines({ title: 'Failed attempts by reason', means: 'spec and data: the submitter acts. capacity: a machine. internal: a defect.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('sum by (reason) (increase(espalier_attempts_failed_total[5m]))', '{{reason}}')] }),
  lines({ title: 'Consumer lag and time to drain', means: 'Records that wait, and how long they take at the present pace. Lag alone is no trouble.', unit: 'short', empty: 'No consumer is scraped',
    queries: [prom('sum by (topic) (espalier_consumer_lag_records >= 0)', '{{topic}} records'), prom('sum by (topic) (espalier_consumer_lag_records > 0) / sum by (topic) (rate(espalier_records_consumed_total[5m]) > 0)', '{{topic}} to drain')],
    overrides: [{ matcher: { id: 'byRegexp', options: '.*to drain' }, properties: [{ id: 'unit', value: 's' }] }] }),
  lines({ title: 'Event age when handled', means: '99 % of events are handled within this time of being sent, by reader.', unit: 's', empty: QUIET,
    queries: [prom('histogram_quantile(0.99, sum by (pool, le) (rate(espalier_record_age_seconds_bucket{pool!="curves"}[$__rate_interval])))', '{{pool}}')] }),
  lines({ title: 'Projection lag', means: 'Tables change with the event, so only curves lag: age of points when they are in their table.', unit: 's', empty: QUIET, queries: quantiles('espalier_record_age_seconds', '{pool="curves"}') }),
  lines({ title: 'Outbox', means: 'Events that are decided and not yet published, and the age of the oldest. Age above seconds: the relay is stuck or the broker is away.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('max(espalier_outbox_unpublished_rows)', 'rows'), prom('max(espalier_outbox_oldest_age_seconds)', 'oldest')], overrides: [column('oldest', ['unit', 's'])] }),
  lines({ title: 'Publishing relays', means: 'One of all schedulers publishes. 0: nothing is published.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('sum(espalier_relay_publishing)', 'publishing')] }),
  lines({ title: 'Dead letters', means: 'Records parked in the last 15 minutes. Each is lost to its sender until somebody looks.', unit: 'short', empty: 'No consumer is scraped',
    queries: [prom('sum by (topic, reason) (increase(espalier_dead_letters_total[15m])) > 0 or sum(increase(espalier_dead_letters_total[15m]))', '{{topic}} {{reason}}')] }),
  lines({ title: 'Duplicate and stale reports', means: 'Repeats are dropped and stale ones recorded: harmless. Many stale ones: leases are too short.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('sum by (result) (increase(espalier_reports_total{result!="accepted"}[5m]))', '{{result}}')] }),
  lines({ title: 'Database pool', means: 'Connections in use, free and waited for. awaiting above 0 for long: the pool or the database is too small.', unit: 'short', empty: NOT_SCRAPED,
    queries: [prom('sum(agroal_active_count)', 'active'), prom('sum(agroal_available_count)', 'available'), prom('sum(agroal_awaiting_count)', 'awaiting')] }),
  lines({ title: 'API requests by route', means: 'Requests a second.', unit: 'reqps', empty: 'No request yet',
    queries: [prom('sum by (method, uri) (rate(http_server_requests_seconds_count[$__rate_interval]))', '{{method}} {{uri}}')] }),
  lines({ title: 'API latency by route, 99 %', means: 'Objective: 0.5 s.', unit: 's', empty: 'No request yet',
    queries: [prom('histogram_quantile(0.99, sum by (method, uri, le) (rate(http_server_requests_seconds_bucket[$__rate_interval])))', '{{method}} {{uri}}')] }),
  lines({ title: 'Broker answers', means: '1 while every reader of the service hears from the broker. Messages wait meanwhile and none is lost.', unit: 'short', empty: 'No consumer is scraped',
    queries: [prom('min by (job, instance) (espalier_consumer_connected)', '{{job}} {{instance}}')] }),
  lines({ title: 'Messages waiting for the broker', means: 'Held in memory until the broker acknowledges. Telemetry is dropped when it gets long, facts never.', unit: 'short', empty: 'No publisher is scraped',
    queries: [prom('sum by (job) (espalier_publisher_waiting_messages)', '{{job}}')] }),
  lines({ title: 'JVM garbage collection', means: 'Share of time spent collecting. Above 10 %: give it memory.', unit: 'percentunit', empty: 'Nothing is scraped',
    queries: [prom(`max by (job) (jvm_gc_overhead{${SERVICES}})`, '{{job}}')] }),
]);
