import type { FleetPlan, SimulatedClient } from './fleet-plan.ts';
import { profiles, type DeadCause, type Profile } from './profile.ts';
import { fraction } from './seeded.ts';
import { dayMs, hourMs } from '../platform/units.ts';

export type Condition = Readonly<ReturnType<typeof conditionOf>>;

/** The length of a calm in runs: enough for alerts that need three rows, and for the notifications of their end. */
const calmRuns = 3;
const stormRuns = 5;

/** Returns a calm and the storm after it: the storm's number, from 1, its beginning and its end. */
function cycleAt({ startedAtMs, everyMs }: FleetPlan, atMs: number) {
  const cycleMs = (calmRuns + stormRuns) * everyMs;
  const number = Math.floor((atMs - startedAtMs) / cycleMs) + 1;
  const endsAtMs = startedAtMs + number * cycleMs;
  return { number, beganAtMs: endsAtMs - stormRuns * everyMs, endsAtMs };
}

/** Returns the number of the storm at a time, from 1; 0 during a calm. */
export function stormAt(plan: FleetPlan, atMs: number): number {
  const { number, beganAtMs } = cycleAt(plan, Math.max(plan.startedAtMs, atMs));
  return profiles[plan.profile].storm === null || atMs < beganAtMs ? 0 : number;
}

/** Returns the length of a storm in milliseconds. */
export function stormMs({ everyMs }: FleetPlan): number {
  return stormRuns * everyMs;
}

/** Returns the next time at which a storm begins or ends; null if the profile has no storms. */
export function nextTurnMs(plan: FleetPlan, atMs: number): number | null {
  const { beganAtMs, endsAtMs } = cycleAt(plan, Math.max(plan.startedAtMs, atMs));
  if (profiles[plan.profile].storm === null) return null;
  return atMs < beganAtMs ? beganAtMs : endsAtMs;
}

/** The seed parts of a client's random values. Each value has a part of its own, so that they are independent. */
const draw = { boots: 1, phase: 2, clock: 3, latency: 4, agent: 5, spool: 6 } as const;

/** Returns the state of a client at one time. */
export function conditionOf(plan: FleetPlan, client: SimulatedClient, atMs: number) {
  const { seed } = plan;
  const profile = profiles[plan.profile];
  const { index, ailment } = client;
  const storm = stormAt(plan, atMs);
  const part = storm === 0 ? null : client.storm;
  const busy = part === 'busy';
  const full = ailment === 'full-disk' || part === 'full-disk';
  const slow = ailment === 'slow' || busy;
  const fullDisk = !full ? 'no' : fraction(seed, index, draw.spool) < 0.5 ? 'spool' : 'yes';
  return {
    /** The failure of every visit; null if the client can be visited. */
    dead: client.dead ?? deadInStorm(part),
    ...bootOf(plan, client, atMs),
    /** The client's wall clock minus the true time. */
    clockOffsetMs: clockOffset(plan, client, part === 'clock'),
    busy,
    /** `spool`: the disk of the spool is full as well. */
    fullDisk,
    failedUnit: part === 'failed-unit',
    latencyMs: between(profile.latencyMs, fraction(seed, index, draw.latency)),
    agentMs: between(slow ? [500, 3000] : profile.agentMs, fraction(seed, index, draw.agent)),
    /** The share of visits that break off, from 0 to 1. */
    brokenShare: part === 'flaky' ? 0.5 : profile.brokenShare,
  };
}

function deadInStorm(part: SimulatedClient['storm']): DeadCause | null {
  if (part === 'rack') return 'unanswered';
  return part === 'silent' || part === 'host-key-changed' ? part : null;
}

/**
 * Returns the time of the last boot and its number, which does not depend on the time. Boots have a fixed interval,
 * different for each client; a storm adds a boot to some clients.
 */
function bootOf(plan: FleetPlan, { index, ailment, storm }: SimulatedClient, atMs: number) {
  const own = fraction(plan.seed, index, draw.boots);
  const upMs = Math.round(ailment === 'restless' ? (0.5 + 2 * own) * hourMs : (20 + 380 * own) * dayMs);
  const phaseMs = Math.floor(fraction(plan.seed, index, draw.phase) * upMs);
  const boot = Math.floor((atMs + phaseMs) / upMs);
  const usual = { boot, bootedAtMs: boot * upMs - phaseMs };
  if (storm !== 'rebooted' && storm !== 'rack') return usual;
  // The last storm that has begun; its number is below 1 if none has.
  const last = cycleAt(plan, atMs - calmRuns * plan.everyMs);
  // A rack without power boots at the end of the storm, other clients at its beginning.
  const stormMs = storm === 'rack' ? last.endsAtMs : last.beganAtMs;
  return last.number < 1 || stormMs > atMs || stormMs < usual.bootedAtMs
    ? usual
    : { boot: boot * 1000 + last.number, bootedAtMs: stormMs };
}

function clockOffset({ seed }: FleetPlan, { index, ailment }: SimulatedClient, inStorm: boolean): number {
  const chance = fraction(seed, index, draw.clock);
  if (ailment === 'wrong-clock' || inStorm) return Math.round((chance < 0.5 ? -1 : 1) * (90_000 + chance * hourMs));
  return Math.round((chance - 0.5) * 100);
}

function between([least, most]: Profile['agentMs'], chance: number): number {
  return Math.round(least + (most - least) * chance);
}
