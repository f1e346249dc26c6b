import type { Operator, Severity } from '../config.ts';
import type { Rule } from '../rule.ts';
import type { AlertAttributes } from './merge-alert.ts';
import { severityOf } from '../settings/mail-settings.ts';
import type { Unit } from '../../report/metrics.ts';
import { limitForm, ruleTypeOf } from '../vocabulary/rule-types.ts';

export interface ReadLevelsOptions {
  readonly attributes: AlertAttributes;
  readonly unit: Unit;
  readonly op: Operator;
  readonly type: string | null;
  readonly fault: (message: string) => void;
}

export type Levels = Pick<Rule, 'warning' | 'critical' | 'clear' | 'severity'>;

const names = ['limit', 'warning', 'critical', 'clear'] as const;
/** The points below the limit to which a percent must fall before the alert recovers. */
const clearPoints = 2;
/** A forecast has recovered at this many times its limit. */
const clearTimes = 1.5;

/** Returns the limits of a rule in its metric's unit. Reports limits that are invalid or contradict each other. */
export function readLevels({ attributes, unit, op, type, fault }: ReadLevelsOptions): Levels {
  const severity = severityOf(attributes['severity']) ?? 'critical';
  const written = names.filter((name) => attributes[name] !== undefined);
  if (unit === 'flag') {
    const needless = [...written, ...(attributes['op'] === undefined ? [] : ['op'])];
    if (needless.length > 0) fault(`type ${type ?? ''} holds or not; remove ${needless.join(', ')}`);
    const limit = ['service', 'check', 'outlier', 'event'].includes(type ?? '') ? null : 1;
    return { ...inField(limit, severity), clear: null, severity };
  }
  const level = (name: (typeof names)[number]): number | null => {
    const text = attributes[name];
    if (text === undefined) return null;
    const value = limitForm(unit).parse(text);
    if (value === null) fault(`${name}="${text}" does not fit; ${wants(type, unit)}`);
    return value;
  };
  const [limit, warning, critical] = [level('limit'), level('warning'), level('critical')];
  const two = attributes['warning'] !== undefined || attributes['critical'] !== undefined;
  if (attributes['limit'] !== undefined && two)
    fault('limit stands beside warning or critical; keep limit, or warning and critical');
  if (two && attributes['severity'] !== undefined)
    fault('severity stands beside warning or critical, which say it; remove severity');
  if (attributes['limit'] === undefined && !two) {
    const counts = type === 'process';
    if (!counts) fault(`lacks a limit; write limit="...", or warning="..." and critical="..."; ${wants(type, unit)}`);
    if (counts && (attributes['op'] ?? attributes['clear']) !== undefined)
      fault('op and clear belong to limit, not to min and max; remove them');
    return { warning: null, critical: null, clear: null, severity };
  }
  if (attributes['limit'] !== undefined && (attributes['min'] ?? attributes['max']) !== undefined)
    fault('limit stands beside min or max; keep one form');
  const falling = op === 'lt' || op === 'le';
  const exact = op === 'eq' || op === 'ne';
  if (warning !== null && critical !== null) {
    if (exact) fault(`op="${op}" has no two levels; write limit`);
    else if (falling ? warning <= critical : warning >= critical) {
      fault(`warning must be ${falling ? 'above' : 'below'} critical with op="${op}"; exchange them`);
    }
  }
  const levels = two ? { warning, critical } : inField(limit, severity);
  const least = levels.warning ?? levels.critical;
  const clear = level('clear');
  if (clear !== null && exact) fault(`clear has no meaning with op="${op}"; remove it`);
  else if (clear !== null && least !== null && (falling ? clear < least : clear > least)) {
    fault(`clear must not be ${falling ? 'below' : 'above'} the lowest limit, or it would never end; mend one of them`);
  }
  const usualClear = (limit: number): number | null =>
    unit === 'percent' ? percentClear(limit, falling) : isForeseen ? clearTimes * limit : null;
  const isForeseen = falling && (ruleTypeOf(type)?.foresees ?? null) !== null;
  const ownClear = clear ?? (exact || least === null ? null : usualClear(least));
  const effective = two ? (critical === null ? 'warning' : 'critical') : severity;
  return { ...levels, clear: ownClear, severity: effective };
}

function inField(limit: number | null, severity: Severity): { warning: number | null; critical: number | null } {
  return severity === 'warning' ? { warning: limit, critical: null } : { warning: null, critical: limit };
}

/**
 * Returns the limit of recovery, two points off the limit. Returns null (the limit itself) if that value is outside the
 * range of a percent.
 */
function percentClear(limit: number, falling: boolean): number | null {
  const clear = falling ? limit + clearPoints : limit - clearPoints;
  return clear > 0 && clear < 100 ? Math.round(clear * 1e6) / 1e6 : null;
}

function wants(type: string | null, unit: Unit): string {
  const hint = type === 'disk' && unit === 'percent' ? ' (type disk-free takes bytes)' : '';
  return `${type === null ? 'this metric' : `type ${type}`} takes ${limitForm(unit).what}${hint}`;
}
