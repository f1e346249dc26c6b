import path from 'node:path';

import { jumpLayer, readBastions, type ReadBastion } from './clients/bastions.ts';
import { readDigests } from './settings/digest-settings.ts';
import { checkVocabulary } from './vocabulary/check-vocabulary.ts';
import type { AlertsConfig, Config, DigestConfig, Rule } from './config.ts';
import { createFindings, type Findings, type Place } from './xml/findings.ts';
import { readConfigTree, type ConfigTree } from './xml/include.ts';
import { checkClients } from './clients/check-clients.ts';
import { checkSite } from './clients/check-site.ts';
import { checkRules } from './clients/check-rules.ts';
import { checkRoutes } from './clients/check-routes.ts';
import { childOf, type Element } from './xml/parse-elements.ts';
import { checkPermissions, createSecretPlaces } from './settings/permissions.ts';
import { parseDuration } from '../text/durations.ts';
import { hourMs } from '../platform/units.ts';
import { createCheckReader } from './clients/read-checks.ts';
import { readClients, type ReadClient } from './clients/read-clients.ts';
import { chainWithin, noChain, withSelected, type Watched } from './clients/selected-scope.ts';
import { parseClientLabels } from './values/labels.ts';
import { checkNeeds, type ReadNeed } from './clients/group-needs.ts';
import type { ReadContext } from './settings/read-secret.ts';
import { readSettings, type Settings } from './settings/read-settings.ts';
import type { AlertAttributes } from './rules/merge-alert.ts';
import { RuleReader } from './rules/rule-scope.ts';
import { createSshFinisher, createSshReader, sshDefaults } from './settings/ssh-settings.ts';
import { statePaths } from '../state-folder/paths.ts';
import { nobody, createAudienceReader, readWindows } from './recipients/read-recipients.ts';

export interface LoadConfigOptions {
  /** config.xml, relative to the working folder or absolute. */
  readonly file: string;
  /** The time that decides which `until` has passed, milliseconds since 1970; left out: the clock of this machine. */
  readonly nowMs?: number;
  /** False if others may read and write the files, for tests and the demo. Default true. */
  readonly checkPermissions?: boolean;
  /** An earlier reading that replaces the file; left out: the file is read. */
  readonly tree?: ConfigTree;
  /** Receives the tree and the configuration once they have proved valid. */
  readonly onValid?: (tree: ConfigTree, config: Config) => void;
}

/**
 * Reads config.xml and its included files into one frozen Config. Reads no password file and no environment variable,
 * and connects to nothing. Throws FleetError `config-missing`, and ConfigError `config-invalid` with every fault at
 * once, or `config-permissions` if permissions are the only faults.
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
  const explicit = explicitSettings(root);
  checkVocabulary(root, findings);

  const file = path.resolve(options.file);
  const settings = readSettings(root, file, context);
  const nowMs = options.nowMs ?? Date.now();
  const fleet = readFleet({ root, settings, context, nowMs });
  const digests = checkFleet(root, settings, fleet, findings);
  if (!hasClient(root) && settings.serve === null) {
    const message = 'there is no client; write <client ip="..."/>';
    if (tree.includes) findings.warn(root, message);
    else findings.fault(root, message);
  }
  if (options.checkPermissions !== false) checkPermissions(tree.sources, places, findings);
  findings.throwFaults();

  const config: Config = deepFreeze({
    file,
    digest: tree.digest,
    ...settings,
    labels: fleet.labels,
    digests,
    alerts: fleet.alerts,
    bastions: Object.freeze(fleet.bastions.map(({ bastion }) => bastion)),
    jumpHosts: fleet.jumpHosts,
    clients: Object.freeze(fleet.clients.map(({ client }) => client)),
    needs: Object.freeze(fleet.needs.map(({ need }) => need)),
    warnings: findings.warnings,
    explicit,
  });
  options.onValid?.(tree, config);
  return config;
}

/** Returns the settings that the files have, as `element attribute`. */
function explicitSettings(root: Element): readonly string[] {
  const settings = root.children.filter(({ name }) => name !== 'client' && name !== 'group' && name !== 'bastion');
  return [
    ...new Set(settings.flatMap(({ name, attributes }) => Object.keys(attributes).map((word) => `${name} ${word}`))),
  ];
}

interface ReadFleetOptions {
  readonly root: Element;
  readonly settings: Settings;
  readonly context: ReadContext;
  readonly nowMs: number;
}

/** The clients, and the settings that all of them inherit. */
interface Fleet extends Pick<Config, 'labels' | 'jumpHosts' | 'alerts'> {
  readonly clients: readonly ReadClient[];
  readonly needs: readonly ReadNeed[];
  readonly bastions: readonly ReadBastion[];
  /** Returns the place of a written rule; null for a default. */
  readonly placeOf: (rule: Rule) => Place | null;
  readonly attributesOf: (rule: Rule) => AlertAttributes;
}

/** Reads `<ssh>`, `<alerts>`, the bastions, and the clients with their inherited settings. */
function readFleet({ root, settings, context, nowMs }: ReadFleetOptions): Fleet {
  const { findings } = context;
  const { everyMs } = settings.collector;
  const readSsh = createSshReader(context);
  const finishSsh = createSshFinisher(sshDefaults(statePaths(settings.stateDir).knownHosts));
  const sshElement = childOf(root, 'ssh');
  const ssh = sshElement === null ? {} : readSsh(sshElement, {});
  const elements = root.children.filter(({ name }) => name === 'bastion');
  const bastions = readBastions({ elements, base: jumpLayer(ssh), read: readSsh, finish: finishSsh, findings });

  const element = childOf(root, 'alerts');
  const alerts = readAlerts(element);
  const rules = new RuleReader({
    findings,
    alertsFor: element?.attributes['for'] ?? null,
    alertsFlapping: element?.attributes['flapping'] ?? null,
    repeatMs: alerts.repeatMs,
    everyMs,
    defaults: alerts.defaults,
  });
  const { zone } = alerts;
  const readAudience = createAudienceReader(zone, findings);
  const start: Watched = { rules: rules.base, audience: nobody, windows: Object.freeze([]) };
  const forAll = element === null ? null : withSelected(element, () => false);
  const ofAll =
    forAll === null
      ? start
      : {
          rules: rules.read(forAll, start.rules),
          audience: readAudience(forAll, start.audience),
          windows: readWindows(forAll, start.windows, { zone, nowMs, findings }),
        };
  const labels = Object.freeze(parseClientLabels(root.attributes['labels'] ?? '') ?? {});
  const checks = createCheckReader(findings);
  const { clients, needs } = readClients({
    ...{ root, start, zone, nowMs, findings, readSsh, finishSsh, readAudience, excerpt: alerts.excerpt },
    base: {
      ...{ ssh, ...ofAll, labels, everyMs },
      checks: checks.read(root, checks.base),
      chain: element === null ? noChain : chainWithin(noChain, element),
      changes: settings.collector.changes,
      neighbours: settings.collector.neighbours,
      logs: element?.attributes['logs'] === 'yes',
    },
    readRules: (inner, outer) => rules.read(inner, outer),
    readChecks: checks.read,
  });
  return {
    ...{ clients, needs, bastions, labels },
    jumpHosts: finishSsh(jumpLayer(ssh)),
    alerts: { ...alerts, recipients: ofAll.audience.recipients, windows: ofAll.windows, rules: ofAll.rules.fleetRules },
    placeOf: (rule) => rules.placeOf(rule),
    attributesOf: (rule) => rules.attributesOf(rule),
  };
}

/** Reads the attributes of `<alerts>` except those that rules inherit. */
function readAlerts(element: Element | null): Omit<AlertsConfig, 'recipients' | 'windows' | 'rules'> {
  const { repeat, flapping, groupInterval, cause, defaults, excerpt, zone = null } = element?.attributes ?? {};
  return {
    repeatMs: repeat === undefined ? 12 * hourMs : parseDuration(repeat),
    groupIntervalMs: parseDuration(groupInterval ?? '') ?? 900_000,
    flapping: flapping !== 'no',
    causeChance: cause === 'no' ? null : Number(cause ?? 0.02),
    defaults: defaults !== 'no',
    excerpt: excerpt !== 'no',
    zone,
  };
}

/** Reports faults that show only in the whole configuration. Returns the digests, which name groups of clients. */
function checkFleet(root: Element, settings: Settings, fleet: Fleet, findings: Findings): readonly DigestConfig[] {
  const { collector, retention, notify, alertmanager } = settings;
  const { clients, bastions, placeOf, attributesOf } = fleet;
  if (collector.forward !== null) {
    checkSite(clients, { metrics: childOf(root, 'metrics'), serve: childOf(root, 'serve') }, findings);
  }
  checkRoutes({ root, bastions, clients, findings });
  checkNeeds({ needs: fleet.needs, clients: clients.map(({ client }) => client), findings });
  const groupRules = fleet.needs.flatMap(({ need }) => need.rule ?? []);
  const fleetRules = [...fleet.alerts.rules, ...groupRules];
  checkRules({ root, clients, fleetRules, collector, retention, placeOf, attributesOf, findings });
  const groups = new Set(clients.flatMap(({ client }) => client.groups));
  const digests = readDigests(childOf(root, 'alerts'), groups, findings);
  const whole: Place = { source: root.source, line: null };
  checkClients({ clients, notify, postsAll: alertmanager !== null, placeOf, findings, whole });
  return digests;
}

function hasClient(element: Element): boolean {
  return element.children.some((child) => child.name === 'client' || hasClient(child));
}

/** Freezes an object and its parts. Skips frozen parts, such as clients. */
function deepFreeze<T extends object>(value: T): T {
  Object.freeze(value);
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null && !Object.isFrozen(part)) deepFreeze(part);
  }
  return value;
}
