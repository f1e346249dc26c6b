import { existsSync } from 'node:fs';

import type { Client, Config, Finding, Rule } from '../../config/config.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { describeRule } from '../../config/describe-defaults.ts';
import { asFleetError, type FleetError, usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { groupBy } from '../../platform/group-by.ts';
import { namedUpTo } from '../../text/numbers.ts';
import { placeInFile } from '../../text/plain-text.ts';
import type { Route } from '../../transport/route/route.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { standsOn, standsOnText } from '../command/member-words.ts';
import { chooseClients, loadSettings } from '../command/settings.ts';
import type { Output } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';
import { checksJson, printChecks } from './client-checks.ts';
import type { checkParameters } from './parameters.ts';
import { printRecipients } from './print-recipients.ts';
import { nextWindows, alertRecipients, type AlertRecipient, type NextWindow } from './alert-recipients.ts';
import { transportWord, usesSsh } from '../../config/clients/arrival.ts';
import { hostFault, zoneAdvice, zoneFault } from '../../config/values/addresses.ts';
import { noKeyAdvice, noKeyWords } from '../../transport/credentials/credentials.ts';

const namedInWarning = 5;

/** The route to a client, or the reason why there is none. */
interface FoundRoute {
  readonly client: Client;
  readonly route: Route | null;
  readonly fault: FleetError | null;
}

/** Runs `check CLIENT...`: prints each client's route, rules, recipients and windows, without the database. */
export function checkRoutesCommand(context: Context, options: OptionsOf<typeof checkParameters>): ExitStatus {
  const { output } = context;
  if (options.connect || options.mail !== null) {
    const message = 'check CLIENT shows the route and tries nothing';
    throw usageError(message, 'Leave out the names, or the options.');
  }
  const config = loadSettings(context);
  const found = findRoutes(config, chooseClients(config, { clients: options.clients, group: null }));
  if (output.json)
    output.printJson({
      command: 'check',
      file: config.file,
      clients: found.map((one) => ({ ...routeJson(one), ...inForceJson(config, one.client) })),
    });
  else {
    for (const [index, one] of found.entries()) {
      output.print(`${index === 0 ? '' : '\n'}${routeText(context, one)}`);
      printInForce(output, config, one.client);
    }
  }
  return found.every(({ fault }) => fault === null) ? 0 : 2;
}

function findRoutes(config: Config, clients: readonly Client[]): readonly FoundRoute[] {
  const shared = createTransportShared({ config });
  return clients.map((client) => {
    try {
      return { client, route: shared.routeTo(client), fault: null };
    } catch (thrown) {
      return {
        client,
        route: null,
        fault: asFleetError(thrown, { code: 'internal', stage: 'config', client: client.name }),
      };
    }
  });
}

function routeText({ output }: Context, { client, route, fault }: FoundRoute): string {
  const { arrival } = client;
  if (fault !== null) return escapeControls(`client ${client.name}: ${fault.message} (${fault.code}). ${fault.advice}`);
  if (arrival.kind === 'local') return escapeControls(`client ${client.name}: this machine, without SSH`);
  if (arrival.kind === 'comes') return escapeControls(`client ${client.name}: is not visited, it pushes its reports`);
  if (arrival.kind === 'site') {
    return escapeControls(`client ${client.name}: the collector of the site ${arrival.site} visits it and forwards`);
  }
  if (arrival.kind === 'asked') return escapeControls(`client ${client.name}: is asked at ${arrival.url ?? ''}`);
  if (route === null) return '';
  const rows = route.hops.flatMap((hop) =>
    hop.values.map((value, index) => ({ machine: index === 0 ? hop.name : '', ...value })),
  );
  const files = route.sshConfigFiles.length === 0 ? 'no ssh_config' : route.sshConfigFiles.join(', ');
  const lines = [
    escapeControls(`client ${client.name}: ${route.hops.map(({ name }) => name).join(' -> ')}`),
    escapeControls(`transport ${arrival.via}; reads ${files}`),
    '',
    renderTable(
      output,
      [
        { title: 'machine', cell: ({ machine }) => machine },
        { title: 'what', cell: ({ name }) => name },
        { title: 'from', cell: ({ source }) => source },
        // The value stands last and is never cut: people run this command to see it.
        { title: 'value', cell: ({ value }) => value },
      ],
      rows,
    ),
    ...route.unsupported.map(({ option, place, hop, needed }) => {
      const how = needed
        ? arrival.via === 'ssh2'
          ? 'only OpenSSH can do it: write transport="openssh" or "auto"'
          : 'OpenSSH does it'
        : 'only OpenSSH could use it; the built-in transport goes on without';
      return `${output.colour('yellow', 'warning')}: ${escapeControls(`${place}: ${option} of ${hop}: ${how}`)}`;
    }),
    ...route.notes.map((note) => `${output.colour('yellow', 'warning')}: ${escapeControls(note)}`),
    ...route.passedOver.map(({ option, place, hop, known }) =>
      escapeControls(
        known
          ? `${place}: ${option} of ${hop} is not followed`
          : `${place}: ${hop} has an option that ssh does not know`,
      ),
    ),
  ];
  return lines.join('\n');
}

function routeJson({ client, route, fault }: FoundRoute): object {
  return {
    client: client.name,
    transport: transportWord(client.arrival),
    ssh_config: route?.sshConfigFiles ?? [],
    hops: (route?.hops ?? []).map(({ name, kind, values }) => ({ name, kind, values })),
    unsupported: route?.unsupported ?? [],
    notes: route?.notes ?? [],
    passed_over: route?.passedOver ?? [],
    code: fault?.code ?? null,
    message: fault?.message ?? null,
  };
}

/** Returns the recipients and windows of one client. */
function inForce(
  config: Config,
  client: Client,
): { recipients: readonly AlertRecipient[]; windows: readonly NextWindow[] } {
  const alone = { ...config, clients: [client] };
  return {
    recipients: alertRecipients(alone).recipients.filter(({ clients }) => clients > 0),
    windows: nextWindows({ ...alone, alerts: { ...config.alerts, windows: [] } }, Date.now()),
  };
}

/**
 * Prints the rules in force for a client with their limits and recipients, and when its windows are open next.
 */
function printInForce(output: Output, config: Config, client: Client): void {
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
  printChecks(output, config, client);
  const parents = standsOnText(config, client.name);
  if (parents !== null) output.print(`${escapeControls(parents)}\n`);
  const { recipients, windows } = inForce(config, client);
  if (client.state === 'active' && recipients.length === 0) output.print('nobody is notified of it');
  if (client.state !== 'active') output.print(`it is ${client.state}: nobody is notified of it`);
  else printRecipients(output, config, recipients, windows);
}

/** Returns the state, rules, checks, recipients and windows of a client as JSON. */
function inForceJson(config: Config, client: Client): object {
  const { recipients, windows } = inForce(config, client);
  const rules = client.rules.map((rule) => ({
    rule: rule.name,
    type: rule.type,
    origin: rule.origin,
    warning: rule.warning,
    critical: rule.critical,
    limit_text: describeRule(rule),
    place: rule.file === null ? null : placeOf(rule),
  }));
  return {
    state: client.state,
    stands_on: standsOn(config, client.name),
    ...{ rules, checks: checksJson(config, client), recipients, windows },
  };
}

function placeOf({ file, line, origin }: Rule): string {
  return file === null ? origin : placeInFile(file, line);
}

/**
 * Warns of clients without a usable route or credential. Connects to nothing. Clients with the same fault share a
 * warning. `isTried` omits these faults, as the login to each client has told them.
 */
export function routeWarnings(config: Config, isTried: boolean): readonly Finding[] {
  const clients = config.clients.filter(
    (client) => client.state !== 'retired' && usesSsh(client) && client.ssh.via !== 'openssh',
  );
  const found = findRoutes(config, clients);
  return [...(isTried ? [] : unreachableWarnings(found)), ...jumpWarnings(config, found)];
}

function unreachableWarnings(found: readonly FoundRoute[]): readonly Finding[] {
  const reasons = found.flatMap((one) => {
    const why = whyNoRoute(one) ?? whyNoAddress(one) ?? whyNoKey(one);
    return why === null ? [] : [{ client: one.client, why }];
  });
  return [...groupBy(reasons, ({ why }) => why)].flatMap(([why, alike]) => {
    const [first] = alike;
    if (first === undefined) return [];
    const names = namedUpTo(
      namedInWarning,
      alike.map(({ client }) => `"${client.name}"`),
    );
    const { file, line } = first.client;
    const whom = `${alike.length === 1 ? 'client' : 'clients'} ${names}`;
    return [{ file, line, message: escapeControls(`${whom} cannot be reached: ${why}`) }];
  });
}

/** Warns of each proxyJump whose name only a name server may know: it may be misspelt. */
function jumpWarnings({ clients, bastions }: Config, found: readonly FoundRoute[]): readonly Finding[] {
  const names = [...bastions, ...clients].map(({ name }) => name);
  const warnings = new Map<string, Finding>();
  for (const { client, route } of found) {
    const jumps = client.ssh.explicit['proxyJump'] === undefined ? [] : (route?.hops.slice(0, -1) ?? []);
    for (const { sshConfig, values } of jumps) {
      const { host } = sshConfig;
      const isNamed = names.includes(host) || values[0]?.source !== 'its name' || /[.:]/.test(host);
      if (isNamed || warnings.has(host)) continue;
      const message = `proxyJump="${host}" names no bastion, client or Host of ssh_config${didYouMean(host, names)}`;
      warnings.set(host, { file: client.file, line: client.line, message: escapeControls(message) });
    }
  }
  return [...warnings.values()];
}

/** Returns why a login has nothing to offer: no key is named, or those that ssh looks for are missing. Else null. */
function whyNoKey({ client, route }: FoundRoute): string | null {
  const offered = route?.hops.at(-1)?.credentials;
  if (offered === undefined || client.ssh.via !== 'ssh2') return null;
  const { password, agent, privateKeys } = offered;
  if (password !== null || agent !== null) return null;
  if (privateKeys.length === 0) return `there is no password, private key or ssh-agent. ${noKeyAdvice}`;
  const isMissing = privateKeys.every(({ path, optional }) => optional && !existsSync(path));
  return isMissing ? `${noKeyWords(offered)}. ${noKeyAdvice}` : null;
}

function whyNoAddress({ route }: FoundRoute): string | null {
  const addresses = (route?.hops ?? []).map(({ address }) => address);
  const [fault] = addresses.flatMap((address) => zoneFault(address) ?? []);
  if (fault !== undefined) return `${fault}. ${zoneAdvice}`;
  // A ProxyCommand may take any name.
  if (route?.unsupported.some(({ needed }) => needed) === true) return null;
  const [noHost] = addresses.flatMap((address) => {
    const wrong = hostFault(address);
    return wrong === null ? [] : [`"${address}" ${wrong}`];
  });
  return noHost ?? null;
}

function whyNoRoute({ client, route, fault }: FoundRoute): string | null {
  const lacking = route?.unsupported.find(({ needed }) => needed);
  if (lacking === undefined || client.ssh.via === 'auto') return fault?.message ?? null;
  return `${lacking.place}: ${lacking.option} needs transport="openssh" or "auto"`;
}
