/** src/config/rules: alert rules, defaults, and the rule that applies to a subject. */

/** The kinds of things that an alert can be about. The room `about` has an entry for each. */
export type About = 'client' | 'group' | 'fleet' | 'source';

/** The rules of clients, those of groups, and those of <alerts> for the whole fleet. Each list has its recipients. */
export type RuleList = 'client' | 'group' | 'fleet';

/** The list with the rules about things of a kind. Only <alerts> tunes those of the fleet, no <client> a group's. */
export const ruleListOf: Readonly<Record<About, RuleList>> = {
  client: 'client',
  group: 'group',
  fleet: 'fleet',
  source: 'fleet',
};

/** The condition of a group that lacks members which it needs. Its subject is the name of the group. */
export const groupShort = 'group-short';

/** A rule that holds without being written: a default for a type without a written rule, or a condition. */
export interface BuiltinRule {
  readonly name: string;
  readonly origin: 'default' | 'condition';
  /** The attributes of an equivalent <alert>. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The `for` of the rule unless <alerts> or a tuning <alert> has one; null: `for` has no meaning. */
  readonly defaultFor: string | null;
  /** The kind of thing that the rule evaluates. */
  readonly of: About;
}

function byDefault(name: string, defaultFor: string, attributes: Readonly<Record<string, string>>): BuiltinRule {
  return { name, origin: 'default', attributes: { name, ...attributes }, defaultFor, of: 'client' };
}

function condition(
  name: string,
  severity: 'warning' | 'critical',
  defaultFor: string | null,
  more: { readonly of?: About; readonly attributes?: Readonly<Record<string, string>> } = {},
): BuiltinRule {
  const attributes = { name, severity, ...more.attributes };
  return { name, origin: 'condition', attributes, defaultFor, of: more.of ?? 'client' };
}

const silentFor = (everyMs: number): string => `${Math.max(1, Math.round((3 * everyMs) / 1000))}s`;

/**
 * Returns all built-in rules. `for` counts full runs for `unreachable` and `no-report`, and reports for `probe-failed`
 * and `check-unknown`. For `collector-silent` and `ingest-silent` it is three times `every`.
 */
export function builtinRules(everyMs: number): readonly BuiltinRule[] {
  return [
    byDefault('disk', '1x', { type: 'disk', warning: '90%', critical: '95%' }),
    byDefault('inodes', '1x', { type: 'inodes', limit: '90%', severity: 'warning' }),
    byDefault('disk-full', '1x', { type: 'disk-full', limit: '7d', severity: 'warning' }),
    byDefault('inodes-full', '1x', { type: 'inodes-full', limit: '7d', severity: 'warning' }),
    byDefault('memory', '3x', { type: 'memory', limit: '97%' }),
    byDefault('service', '1x', { type: 'service', severity: 'warning' }),
    byDefault('open-files', '2x', { type: 'open-files', limit: '90%', severity: 'warning' }),
    byDefault('conntrack', '2x', { type: 'conntrack', limit: '90%', severity: 'warning' }),
    byDefault('clock-unsynchronised', '1h', { type: 'clock-unsynchronised', severity: 'warning' }),
    byDefault('check', '2x', { type: 'check' }),
    byDefault('file-system-errors', '1x', { type: 'check', check: 'ext4:*,btrfs:*' }),
    byDefault('sectors-rising', '1x', {
      metric: 'check_rise',
      check: 'textfile:*',
      label:
        'reallocated_sectors,pending_sectors,defect_sectors,uncorrectable_sectors,nvme_media_errors,raid_media_errors',
      limit: '1',
      severity: 'warning',
    }),
    byDefault('security-updates', '7d', {
      metric: 'check_value',
      check: 'textfile:*',
      label: 'security_upgrades',
      limit: '1',
      severity: 'warning',
    }),
    condition('unreachable', 'critical', '2x'),
    condition('host-key-changed', 'critical', null),
    condition('not-trusted', 'warning', null),
    condition('unreliable', 'warning', null),
    condition('no-report', 'critical', '3x'),
    condition('probe-failed', 'warning', '3x'),
    condition('check-unknown', 'warning', '3x'),
    condition('check-untrusted', 'warning', '2x'),
    condition('mount-unresponsive', 'critical', '2x'),
    condition('mount-missing', 'critical', '2x'),
    condition('read-only', 'critical', '1x'),
    condition('clock-offset', 'warning', '2x', { attributes: { type: 'clock-offset', limit: '60s' } }),
    condition('rebooted', 'warning', null),
    condition('reboots', 'critical', null),
    condition('oom-kill', 'warning', null),
    condition(groupShort, 'critical', null, { of: 'group' }),
    condition('collector-silent', 'critical', silentFor(everyMs), { of: 'fleet' }),
    condition('collector-isolated', 'warning', null, { of: 'fleet' }),
    condition('collector-fault', 'warning', null, { of: 'fleet' }),
    condition('ingest-silent', 'critical', silentFor(everyMs), { of: 'fleet' }),
    condition('state-disk', 'warning', null, { of: 'fleet' }),
    condition('database-forgot', 'warning', null, { of: 'fleet' }),
    condition('mail-path', 'critical', null, { of: 'fleet' }),
    condition('replies-unread', 'warning', '15m', { of: 'fleet' }),
  ];
}
