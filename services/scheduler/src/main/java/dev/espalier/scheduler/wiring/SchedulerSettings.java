package dev.espalier.scheduler.wiring;

import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.sweep.assignment.AssignmentPolicy;
import dev.espalier.sweep.lifecycle.RetryPolicy;

/** How a scheduler decides. */
public record SchedulerSettings(LeaseSettings leases, RetryPolicy retry, AssignmentPolicy policy) {}
