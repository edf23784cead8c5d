-- What a stage asks of its worker, as a JSON object of texts; {}: any able worker may run it.
alter table stage add column labels text not null default '{}';

-- Workers have device and host among their labels, from now on since they join.
update worker set labels = jsonb_build_object('device', device, 'host', host) || labels;
