import { hostname } from 'node:os';

import { minuteMs } from '../platform/units.ts';
import type { ProbeOptions } from '../report/wire.ts';
import { readEdge, type EdgeSettings } from './edge/edge-settings.ts';
import { everyBounds } from './every-bounds.ts';
import { pattooUrl } from './push/post-pattoo.ts';
import { readEnrolment, type Enrolment } from './push/push-settings.ts';
import { reportFormats, type ReportFormat } from './format-report.ts';
import { fieldsOf, type Fields } from './settings-fields.ts';
import { readSpoke, type SpokeSettings } from './spoke/spoke-settings.ts';
import { readSettingsFiles } from './settings-files.ts';

/** agent.json with agent.d/, checked. */
export interface AgentSettings {
  /** The name in reports: the host's, unless agent.json sets another. */
  readonly client: string;
  readonly options: ProbeOptions;
  /** The folder of logs; null for standard output, which is the journal under systemd. */
  readonly logDirectory: string | null;
  /**
   * The state folder; null: /var/lib/fleet-health-agent if this account may use it, otherwise a folder of the account's
   * own.
   */
  readonly stateDirectory: string | null;
  readonly report: ReportSettings;
  /** The object `edge`; null if there is none. */
  readonly edge: EdgeSettings | null;
  readonly spoke: SpokeSettings;
  /** The object `pattoo`; null if there is none. */
  readonly pattoo: PattooSettings | null;
  /** The enrolment; null if this machine is not enrolled. */
  readonly enrolment: Enrolment | null;
}

export interface PattooSettings {
  /** The address of the server; documents go to receive/AGENT_ID below it. */
  readonly to: URL;
  readonly everyMs: number;
}

export interface ReportSettings {
  readonly everyMs: number;
  readonly format: ReportFormat;
  /** The file for reports; null: reports.jsonl in the state folder. */
  readonly file: string | null;
}

/** Reads the settings. Throws FleetError with the file, the key and advice. */
export function readSettings(named: string | null): AgentSettings {
  const { values, fileOf } = readSettingsFiles(named);
  const fields = fieldsOf(values, '', fileOf);
  const settings = {
    client: fields.text('client') ?? hostname(),
    options: readOptions(fields.object('options')),
    logDirectory: fields.path('log_directory'),
    stateDirectory: fields.path('state_directory'),
    report: readReport(fields.object('report')),
    edge: readEdge(fields.object('edge')),
    spoke: readSpoke(fields.object('spoke')),
    pattoo: readPattoo(fields.object('pattoo')),
    enrolment: readEnrolment(fields),
  };
  fields.end();
  return settings;
}

function readPattoo(fields: Fields | null): PattooSettings | null {
  if (fields === null) return null;
  const to = pattooUrl(fields.text('to'));
  if (to === null) throw fields.fault('to', 'must be a URL of https or http without a login');
  const everyMs = fields.duration('every', everyBounds.minimumMs, everyBounds.maximumMs) ?? 5 * minuteMs;
  fields.end();
  return { to, everyMs };
}

function readReport(fields: Fields | null): ReportSettings {
  const settings = {
    everyMs: fields?.duration('every', everyBounds.minimumMs, everyBounds.maximumMs) ?? minuteMs,
    format: fields?.choice('format', reportFormats) ?? 'json',
    file: fields?.path('file') ?? null,
  };
  fields?.end();
  return settings;
}

function readOptions(fields: Fields | null): ProbeOptions {
  const options: Record<string, readonly string[]> = {};
  for (const key of ['units', 'processes', 'mounts', 'logs'] as const) {
    const texts = fields?.texts(key) ?? null;
    if (texts !== null) options[key] = texts;
  }
  fields?.end();
  return options;
}
