package dev.espalier.scheduler.wiring;

import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.sweep.assignment.AssignmentPolicy;
import dev.espalier.sweep.assignment.PreemptionPolicy;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import java.time.Duration;

/**
 * How a scheduler decides.
 *
 * @param useHalfLife after which a slot-second that a team has used counts half
 */
public record SchedulerSettings(
    LeaseSettings leases,
    RetryPolicy retry,
    AssignmentPolicy policy,
    PreemptionPolicy preemption,
    Duration useHalfLife) {}
