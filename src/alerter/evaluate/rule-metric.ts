import type { Rule } from '../../config/config.ts';
import { metrics } from '../../report/metrics.ts';
import type { Metric, Unit } from '../../report/metrics.ts';

const byName: ReadonlyMap<string, Metric> = new Map(metrics.map((metric) => [metric.name, metric]));

/** The metric that the rules of a type judge; types that judge more than one metric, or none, are not among them. */
const metricOfType: Readonly<Record<string, string>> = {
  cpu: 'cpu_used_percent',
  memory: 'memory_used_percent',
  swap: 'swap_used_percent',
  uptime: 'uptime_seconds',
  disk: 'disk_used_percent',
  'disk-free': 'disk_available_bytes',
  inodes: 'disk_inodes_percent',
  process: 'process_match_count',
  processes: 'processes_total',
  zombies: 'processes_zombies',
  temperature: 'temperature_celsius',
  'reboot-required': 'os_reboot_required',
};

/** The one metric that a rule judges, or null. */
export function metricOfRule(rule: Rule): Metric | null {
  const name = rule.metric ?? metricOfType[rule.type ?? ''];
  return name === undefined ? null : (byName.get(name) ?? null);
}

/** In what the rule's values and limits are. */
export function unitOfRule(rule: Rule): Unit {
  if (rule.type === 'network-errors') return 'per_second';
  if (rule.type === 'clock-offset') return 'seconds';
  if (rule.type === 'load') return 'load';
  return metricOfRule(rule)?.unit ?? 'flag';
}

/** The group of rules that a rule competes with for a subject. */
export function rivalry({ type, metric, name }: Rule): string {
  return type ?? (metric === null ? `condition ${name}` : `metric ${metric}`);
}

/**
 * Whether what the rule judges is listed only while something is wrong with it, so that whoever is no longer listed has
 * recovered, and is not gone.
 */
export function listsFaults(rule: Rule): boolean {
  if (rule.type === 'service') return rule.state !== 'active';
  return rule.metric === 'failed_unit_failed' || (rule.origin === 'condition' && faultConditions.includes(rule.name));
}

const faultConditions: readonly string[] = ['probe-failed', 'mount-missing'];

/** What is said of a fault that is not listed any more. */
export function noFaultText({ type, name }: Rule): string {
  return type === 'service'
    ? 'not failed any more'
    : name === 'probe-failed'
      ? 'works again'
      : name === 'mount-missing'
        ? 'mounted'
        : 'no longer listed';
}

/** How many rows in a row end what fires: one good visit says it all, of figures it takes two. */
export function rowsToRecover(rule: Rule): number {
  return rule.origin === 'condition' && visitConditions.includes(rule.name) ? 1 : 2;
}

/** The conditions that follow from visits. */
export const visitConditions: readonly string[] = ['unreachable', 'host-key-changed', 'not-trusted'];
