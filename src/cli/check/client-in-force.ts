import type { Client, Config, Rule } from '../../config/config.ts';
import { describeRule } from '../../config/describe-defaults.ts';
import type { Output } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';
import { tellHearings } from './tell-hearings.ts';
import { nextWindows, whoHears, type Hearing, type NextWindow } from './who-hears.ts';

/** The recipients and windows of one client. */
interface InForce {
  readonly hearings: readonly Hearing[];
  readonly windows: readonly NextWindow[];
}

function inForce(config: Config, client: Client): InForce {
  const alone = { ...config, clients: [client], alerts: { ...config.alerts, windows: [] } };
  const { hearings } = whoHears({ ...config, clients: [client] });
  return {
    hearings: hearings.filter(({ clients }) => clients > 0),
    windows: nextWindows(alone, Date.now()),
  };
}

/**
 * Prints the rules in force for a client with their limits, who is told of them, and when its windows are open next.
 */
export function tellInForce(output: Output, config: Config, client: Client): void {
  const table = renderTable(
    output,
    [
      { title: 'rule', shrinks: true, cell: ({ name }) => name },
      { title: 'limit', shrinks: true, cell: describeRule },
      { title: 'from', shrinks: true, cell: placeOf },
    ],
    client.rules,
  );
  output.print(`\n${table}\n`);
  const { hearings, windows } = inForce(config, client);
  if (client.state === 'active' && hearings.length === 0) output.print('nobody is told of it');
  if (client.state !== 'active') output.print(`it is ${client.state}: nobody is told of it`);
  else tellHearings(output, config, hearings, windows);
}

/** The same for programs. */
export function inForceJson(config: Config, client: Client): object {
  const { hearings, windows } = inForce(config, client);
  const rules = client.rules.map((rule) => ({
    rule: rule.name,
    type: rule.type,
    origin: rule.origin,
    warning: rule.warning,
    critical: rule.critical,
    limit_text: describeRule(rule),
    place: rule.file === null ? null : placeOf(rule),
  }));
  return { state: client.state, rules, recipients: hearings, windows };
}

function placeOf({ file, line, origin }: Rule): string {
  if (file === null) return origin;
  return line === null ? file : `${file}:${line}`;
}
