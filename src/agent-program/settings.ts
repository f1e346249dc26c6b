import { hostname } from 'node:os';

import * as v from 'valibot';

import { edgeForm, readEdge } from './edge/edge-settings.ts';
import { everyBounds } from './every-bounds.ts';
import { reportFormats } from './format-report.ts';
import { pattooUrl } from './push/post-pattoo.ts';
import { enrolmentEntries, readEnrolment } from './push/push-settings.ts';
import { readSettingsFiles } from './settings-files.ts';
import { absolutePath, choice, duration, readForm, settingsObject, text, texts } from './settings-form.ts';
import { spokeForm } from './spoke/spoke-settings.ts';

const reportForm = v.pipe(
  settingsObject({
    every: v.optional(duration(everyBounds), '1m'),
    format: v.optional(choice(reportFormats), 'json'),
    /** The file for reports. Default: reports.jsonl in the state folder. */
    file: v.exactOptional(absolutePath),
  }),
  v.transform(({ every, format, file = null }) => ({ everyMs: every, format, file })),
);

const pattooForm = v.pipe(
  settingsObject({
    /** The address of the server; documents go to receive/AGENT_ID below it. */
    to: v.pipe(
      text,
      v.transform((to) => pattooUrl(to)),
      v.instance(URL, 'must be a URL of https or http without a login'),
    ),
    every: v.optional(duration(everyBounds), '5m'),
  }),
  v.transform(({ to, every }) => ({ to, everyMs: every })),
);

const agentForm = settingsObject({
  /** The name in reports. Default: the host's. */
  client: v.exactOptional(text),
  options: v.optional(
    settingsObject({
      units: v.exactOptional(texts),
      processes: v.exactOptional(texts),
      mounts: v.exactOptional(texts),
      logs: v.exactOptional(texts),
    }),
    {},
  ),
  /** The parts of the state that are read: packages, files of /etc and the like. Default: yes. */
  changes: v.optional(choice(['yes', 'no-files', 'no']), 'yes'),
  /** The folder of logs. Default: standard output, which is the journal under systemd. */
  log_directory: v.exactOptional(absolutePath),
  /** Default: /var/lib/fleet-health-agent if this account may use it, otherwise a folder of the account's own. */
  state_directory: v.exactOptional(absolutePath),
  report: v.optional(reportForm, {}),
  edge: v.exactOptional(edgeForm),
  spoke: v.optional(spokeForm, {}),
  pattoo: v.exactOptional(pattooForm),
  ...enrolmentEntries,
});

/** agent.json with agent.d/, checked. Null stands for what is not written and has no default. */
export type AgentSettings = Readonly<ReturnType<typeof readSettings>>;

/** Reads the settings. Throws FleetError with the file, the key and advice. */
export function readSettings(named: string | null) {
  const { values, fileOf } = readSettingsFiles(named);
  const { client, options, changes, report, edge, spoke, pattoo, ...rest } = readForm(agentForm, values, fileOf);
  return {
    client: client ?? hostname(),
    options,
    changes,
    logDirectory: rest.log_directory ?? null,
    stateDirectory: rest.state_directory ?? null,
    report,
    edge: edge === undefined ? null : readEdge(edge, fileOf),
    spoke,
    pattoo: pattoo ?? null,
    /** Null if this machine is not enrolled. */
    enrolment: readEnrolment(rest, fileOf),
  };
}
