import path from 'node:path';

import { jumpLayer, readBastions } from './clients/bastions.ts';
import { readDigests } from './settings/digest-settings.ts';
import { checkVocabulary } from './vocabulary/check-vocabulary.ts';
import { readCollector, readForward } from './settings/collector-settings.ts';
import type { AlertsConfig, Config } from './config.ts';
import { createFindings, type Place } from './xml/findings.ts';
import { readConfigTree, type ConfigTree } from './xml/include.ts';
import { judgeClients } from './clients/judge-clients.ts';
import { judgeSite } from './clients/judge-site.ts';
import { judgeRules } from './clients/judge-rules.ts';
import { judgeWays } from './clients/judge-ways.ts';
import { usualStateFolder } from './xml/last-good.ts';
import { localPath } from './xml/local-path.ts';
import { readNotify, readReplies, readSmtp } from './settings/mail-settings.ts';
import { readMetrics } from './settings/metrics-settings.ts';
import type { Element } from './xml/parse-elements.ts';
import { checkPermissions, createSecretPlaces } from './settings/permissions.ts';
import { predecessorOnly } from './xml/predecessor.ts';
import { parseDuration } from '../text/durations.ts';
import { hourMs } from '../platform/units.ts';
import { createCheckReader } from './clients/read-checks.ts';
import { readClients } from './clients/read-clients.ts';
import { chainWithin, noChain, withSelected, type Watched } from './clients/selected-scope.ts';
import { parseClientLabels } from './values/labels.ts';
import type { ReadContext } from './settings/read-secret.ts';
import { createAudienceReader, nobody, readWindows } from './clients/recipients.ts';
import { createRuleReader } from './rules/rule-scope.ts';
import { createSshFinisher, createSshReader, sshDefaults } from './settings/ssh-settings.ts';
import { readAlertmanager, readWebhooks } from './settings/webhook-settings.ts';
import { readServe } from './settings/serve-settings.ts';
import { noStorage, readRetention, readStorage } from './settings/storage-settings.ts';
import { statePaths } from '../state/paths.ts';

export interface LoadConfigOptions {
  /** config.xml, relative to the working folder or absolute. */
  readonly file: string;
  /** Decides which `until` has passed, milliseconds since 1970; left out: the clock of this machine. */
  readonly nowMs?: number;
  /** false: others may read and write the files. For tests and the demo. Default true. */
  readonly checkPermissions?: boolean;
  /** An earlier reading of the file, to be used in its place; left out: the file is read. */
  readonly tree?: ConfigTree;
  /** Is handed what was read once it has proved valid. */
  readonly onValid?: (tree: ConfigTree, config: Config) => void;
}

/**
 * Reads config.xml and all it includes into one frozen Config. Reads no password file and no environment variable, and
 * connects to nothing. Throws FleetError `config-missing`; ConfigError `config-invalid` with every fault at once, or
 * `config-permissions` when that is all there is to mend.
 */
export function loadConfig(options: LoadConfigOptions): Config {
  const findings = createFindings();
  const places = createSecretPlaces();
  const context: ReadContext = { findings, places };
  const tree = options.tree ?? readConfigTree(options.file, findings);
  const { root } = tree;
  if (root === null) {
    findings.throwFaults();
    throw new Error('a configuration without a root and without a fault');
  }
  const onlyPredecessor = !tree.includes && predecessorOnly(root);
  const settings = root.children.filter(({ name }) => name !== 'client' && name !== 'group' && name !== 'bastion');
  const explicit = settings.flatMap(({ name, attributes }) => Object.keys(attributes).map((word) => `${name} ${word}`));
  checkVocabulary(root, findings);

  const file = path.resolve(options.file);
  const one = (name: string): Element | null => root.children.find((child) => child.name === name) ?? null;
  const all = (name: string): readonly Element[] => root.children.filter((child) => child.name === name);

  const stateDir = stateFolder(file, one('state'));
  const state = statePaths(stateDir);
  const forward = readForward(one('collector'), context);
  const storage =
    forward === null
      ? readStorage(one('storage'), state.database, context)
      : noStorage(one('storage'), forward, context);
  const retention = readRetention(one('retention'), context);
  const smtp = readSmtp(one('smtp'), context);
  const replies = readReplies(one('replies'), smtp, context);
  const notify = readNotify(all('notify'));
  const webhooks = readWebhooks(root, context);
  const alertmanager = readAlertmanager(one('alertmanager'), context);
  const collector = readCollector(one('collector'), storage, context);
  const metrics = readMetrics(one('metrics'), context);
  const serve = readServe(one('serve'), context);

  const readSsh = createSshReader(context);
  const finishSsh = createSshFinisher(sshDefaults(state.knownHosts));
  const sshElement = one('ssh');
  const ssh = sshElement === null ? {} : readSsh(sshElement, {});
  const bastions = readBastions({
    elements: all('bastion'),
    base: jumpLayer(ssh),
    read: readSsh,
    finish: finishSsh,
    findings,
  });

  const alertsElement = one('alerts');
  const logs = alertsElement?.attributes['logs'] === 'yes';
  const {
    repeat,
    for: alertsFor = null,
    flapping,
    groupInterval,
    defaults,
    zone = null,
  } = alertsElement?.attributes ?? {};
  const repeatMs = repeat === undefined ? 12 * hourMs : parseDuration(repeat);
  const rules = createRuleReader({
    findings,
    alertsFor,
    alertsFlapping: flapping ?? null,
    repeatMs,
    everyMs: collector.everyMs,
    defaults: defaults !== 'no',
    predecessorOnly: onlyPredecessor,
  });
  const readAudience = createAudienceReader(zone, findings);
  const nowMs = options.nowMs ?? Date.now();
  const start: Watched = { rules: rules.base, audience: nobody, windows: Object.freeze([]) };
  const forAll = alertsElement === null ? null : withSelected(alertsElement, () => false);
  const topRules = forAll === null ? start.rules : rules.read(forAll, start.rules);
  const audience = forAll === null ? start.audience : readAudience(forAll, start.audience);
  const windows = forAll === null ? start.windows : readWindows(forAll, start.windows, { zone, nowMs, findings });
  const labels = Object.freeze(parseClientLabels(root.attributes['labels'] ?? '') ?? {});

  const checks = createCheckReader(findings);
  const read = readClients({
    root,
    base: {
      ssh,
      audience,
      rules: topRules,
      checks: checks.read(root, checks.base),
      windows,
      groups: Object.freeze([]),
      labels,
      chain: alertsElement === null ? noChain : chainWithin(noChain, alertsElement),
      state: 'active',
      logs,
      everyMs: collector.everyMs,
    },
    start,
    zone,
    nowMs,
    findings,
    readSsh,
    finishSsh,
    readAudience,
    readRules: rules.read,
    readChecks: checks.read,
  });
  if (forward !== null) judgeSite(read, { metrics: one('metrics'), serve: one('serve') }, findings);
  judgeWays({ root, bastions, clients: read, findings });
  const whole: Place = { source: root.source, line: null };
  judgeRules({
    root,
    clients: read,
    fleetRules: topRules.fleetRules,
    collector,
    retention,
    placeOf: rules.placeOf,
    findings,
  });
  const digests = readDigests(alertsElement, new Set(read.flatMap(({ client }) => client.groups)), findings);
  const postsAll = alertmanager !== null;
  judgeClients({ clients: read, notify, postsAll, placeOf: rules.placeOf, findings, whole });
  if (!hasClient(root) && serve === null) {
    const message = 'there is no client; write <client ip="..."/>';
    if (tree.includes) findings.warn(root, message);
    else findings.fault(root, message);
  }
  if (options.checkPermissions !== false) checkPermissions(tree.sources, places, findings);
  findings.throwFaults();

  const alerts: AlertsConfig = {
    repeatMs,
    groupIntervalMs: parseDuration(groupInterval ?? '') ?? 900_000,
    flapping: flapping !== 'no',
    defaults: defaults !== 'no',
    zone,
    recipients: audience.recipients,
    windows,
    rules: topRules.fleetRules,
  };
  const config: Config = deepFreeze({
    file,
    digest: tree.digest,
    stateDir,
    labels,
    storage,
    retention,
    smtp,
    replies,
    notify,
    webhooks,
    alertmanager,
    digests,
    heartbeats: all('heartbeat').flatMap(({ attributes: { url } }) => url ?? []),
    metrics,
    collector,
    serve,
    alerts,
    bastions: Object.freeze(bastions.map(({ bastion }) => bastion)),
    jumpHosts: finishSsh(jumpLayer(ssh)),
    clients: Object.freeze(read.map(({ client }) => client)),
    warnings: findings.warnings,
    predecessorOnly: onlyPredecessor,
    explicit: [...new Set(explicit)],
  });
  options.onValid?.(tree, config);
  return config;
}

function stateFolder(file: string, element: Element | null): string {
  const dir = element?.attributes['dir'];
  return element !== null && dir !== undefined ? localPath(dir, element.source) : usualStateFolder(file);
}

function hasClient(element: Element): boolean {
  return element.children.some((child) => child.name === 'client' || hasClient(child));
}

/** Freezes an object and what it holds; what is frozen already, as clients and their parts are, is passed over. */
function deepFreeze<T extends object>(value: T): T {
  Object.freeze(value);
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null && !Object.isFrozen(part)) deepFreeze(part);
  }
  return value;
}
