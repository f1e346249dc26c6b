import { groupShort } from '../rules/builtin-rules.ts';
import { isSiteName } from '../../report/seal/push.ts';
import { parseDuration } from '../../text/durations.ts';
import { urlAddress } from '../../text/url-address.ts';
import { parseMoment } from '../values/calendar.ts';
import type { Arrival, Client, SshSettings } from '../config.ts';
import { arrivalWords } from './arrival.ts';
import { expandClient } from './expand-client.ts';
import { clientAttributes } from '../vocabulary/vocabulary-client.ts';
import { statePartsOf } from '../settings/collector-settings.ts';
import type { Findings } from '../xml/findings.ts';
import { withoutDuplicates, type ClientIdentity } from './identity.ts';
import type { Element } from '../xml/parse-elements.ts';
import { createProbeOptions } from './probe-options.ts';
import type { CheckScope } from './read-checks.ts';
import { chainWithin, createSelection, type Chain, type Watched } from './selected-scope.ts';
import type { SshLayer } from '../settings/ssh-settings.ts';
import { parseParentNames } from '../values/jumps.ts';
import { parseClientLabels, type Labels } from '../values/labels.ts';
import type { RuleScope } from '../rules/finish-rule.ts';
import { findRule } from '../rules/rule-matcher.ts';
import { splitGlobs } from '../values/globs.ts';
import { parseNeed } from '../values/quantities.ts';
import { type ReadNeed, usualNeedRules } from './group-needs.ts';
import { type Audience, readWindows } from '../recipients/read-recipients.ts';

/** A larger fleet is a slip: a range of ranges. */
const maxClients = 250_000;

/** The settings that an element passes on to the elements inside. */
export interface Scope extends Watched {
  readonly ssh: SshLayer;
  readonly checks: CheckScope;
  readonly groups: readonly string[];
  readonly labels: Labels;
  readonly on: readonly string[];
  /** The name of the group around that needs some of its members; null if there is none. */
  readonly needs: string | null;
  readonly chain: Chain;
  readonly state: Client['state'];
  readonly changes: Client['changes'];
  readonly neighbours: boolean;
  /** True if logs are reported without a rule. */
  readonly logs: boolean;
  /** The interval of clients that push. */
  readonly everyMs: number;
}

/** The settings that no element around all clients can have. */
const unwritten = {
  groups: Object.freeze([]),
  on: Object.freeze([]),
  needs: null,
  state: 'active',
} as const satisfies Partial<Scope>;

export interface ReadClientsOptions {
  readonly root: Element;
  /** The settings that elements around all clients have. */
  readonly base: Omit<Scope, keyof typeof unwritten>;
  /** The rules, recipients and windows before <alerts>. */
  readonly start: Watched;
  readonly zone: string | null;
  /** True if agents read excerpts of logs. */
  readonly excerpt: boolean;
  readonly nowMs: number;
  readonly findings: Findings;
  readonly readSsh: (element: Element, outer: SshLayer) => SshLayer;
  readonly finishSsh: (layer: SshLayer) => SshSettings;
  readonly readAudience: (element: Element, outer: Audience) => Audience;
  readonly readRules: (element: Element, outer: RuleScope) => RuleScope;
  readonly readChecks: (element: Element, outer: CheckScope) => CheckScope;
}

/** A client, with the parts that only the checks of the whole configuration need. */
export interface ReadClient extends ClientIdentity {
  readonly audience: Audience;
  readonly element: Element;
}

/**
 * Reads every client of every group in the file's order, after inheritance and without duplicates, and the groups that
 * need some of their members.
 */
export function readClients(options: ReadClientsOptions): Pick<ClientReader, 'needs'> & {
  readonly clients: readonly ReadClient[];
} {
  const reader = new ClientReader(options);
  return { clients: withoutDuplicates(reader.read(), options.findings), needs: reader.needs };
}

interface NeedOfMembers {
  readonly need: NonNullable<ReturnType<typeof parseNeed>>;
  readonly members: readonly ReadClient[];
}

class ClientReader {
  readonly needs: ReadNeed[] = [];
  readonly #options: ReadClientsOptions;
  readonly #found: ReadClient[] = [];
  /** The elements of each name of a group. */
  readonly #groups = new Map<string, Element[]>();
  readonly #probeOptionsOf: ReturnType<typeof createProbeOptions>;
  readonly #selection: ReturnType<typeof createSelection>;
  #full = false;
  readonly #readWatched = (element: Element, outer: Watched): Watched => ({
    audience: this.#options.readAudience(element, outer.audience),
    rules: this.#options.readRules(element, outer.rules),
    windows: readWindows(element, outer.windows, this.#options),
  });

  constructor(options: ReadClientsOptions) {
    this.#options = options;
    this.#probeOptionsOf = createProbeOptions(options.excerpt);
    this.#selection = createSelection(options.start, this.#readWatched, options.findings);
  }

  read(): readonly ReadClient[] {
    this.#walk(this.#options.root, { ...this.#options.base, ...unwritten });
    this.#selection.end();
    this.#checkNames();
    return this.#found;
  }

  #walk(parent: Element, scope: Scope): void {
    for (const child of parent.children) {
      if (child.name === 'client') this.#readClient(child, scope);
      else if (child.name === 'group') {
        if (/[[\]]/.test(child.attributes['name'] ?? ''))
          this.#options.findings.fault(child, '<group> name has a range; a group has one name');
        const inner = this.#inner(child, scope);
        const [needs, clients] = [this.needs.length, this.#found.length];
        const need = this.#checkNeed(child, scope);
        this.#walk(child, { ...inner, needs: need === null ? scope.needs : (child.attributes['name'] ?? '') });
        if (need !== null) this.#readNeed(child, inner, { need, members: this.#found.slice(clients) });
        else if (this.needs.length === needs) this.#warnOfShort(child);
      }
    }
  }

  #readClient(element: Element, outer: Scope): void {
    const { findings, finishSsh } = this.#options;
    const scope = this.#inner(element, outer);
    const url = urlOf(element, scope.ssh.transport, findings);
    const site = siteOf(element, scope, findings);
    const asked = url === null ? null : urlAddress(url);
    const port = asked?.port ?? scope.ssh.port ?? 22;
    const ownAddress = asked !== null ? asked.host : scope.ssh.transport === 'local' ? 'localhost' : null;
    const { state, untilMs } = lifetimeOf(element, scope.state, this.#options);
    const ssh = finishSsh(scope.ssh);
    const arrival = Object.freeze(arrivalOf(scope, { via: ssh.via, url: url?.href ?? null, site }));
    checkEffects(element, arrival, findings);
    const { chain, groups, labels } = scope;
    const { source, line, attributes } = element;
    // A group stands on a machine that may be one of the group.
    const onOf = (name: string) => (attributes['on'] === undefined && outer.on.includes(name) ? nothing : scope.on);
    for (const { name, address, addressExplicit, was } of expandClient(element, port, ownAddress, findings)) {
      if (this.#found.length >= maxClients) {
        if (!this.#full) findings.fault(element, `more than ${maxClients} clients; look for a range that is too wide`);
        this.#full = true;
        return;
      }
      const watched = chain.selective.length === 0 ? scope : this.#selection.watchedBy(chain, { name, labels });
      const { audience, windows } = watched;
      const { rules } = watched.rules;
      const { recipients, muted } = audience;
      // The fields are listed one by one: 50,000 spread objects cost more than all the rest of the reading.
      const client: Client = Object.freeze({
        name,
        address,
        addressExplicit,
        port,
        was,
        state,
        untilMs,
        arrival,
        changes: scope.changes,
        neighbours: scope.neighbours,
        groups,
        labels,
        on: onOf(name),
        ssh,
        rules,
        recipients,
        muted,
        windows,
        probeOptions: this.#probeOptionsOf(rules, scope.logs),
        checks: scope.checks.checks,
        file: source.path,
        line,
      });
      this.#found.push({ client, audience, element, source, line, name, named: attributes['name'] !== undefined });
    }
  }

  /** Notes a group. Returns how many of its members it needs; null if the file does not say so. */
  #checkNeed(element: Element, outer: Scope): ReturnType<typeof parseNeed> {
    const { findings } = this.#options;
    const { name, need: written, needRules } = element.attributes;
    if (name !== undefined) this.#groups.set(name, [...(this.#groups.get(name) ?? []), element]);
    const need = parseNeed(written ?? '');
    if (written === undefined && needRules !== undefined)
      findings.fault(element, '<group> has needRules and no need; write need="..." too, or remove needRules');
    if (need === null) return null;
    if (name === undefined && !element.faulty)
      findings.fault(element, '<group> has need and no name; write name="..."');
    if (outer.needs !== null) {
      const message = `<group> has need inside of the group "${outer.needs}", which has need too; keep one of them`;
      findings.fault(element, message);
    }
    return need;
  }

  /** Reads the rule, the recipients and the windows of a group that needs some of its members. */
  #readNeed(element: Element, { chain, labels, ...inner }: Scope, { need, members }: NeedOfMembers): void {
    const { name, needRules } = element.attributes;
    const active = members.flatMap(({ client }) => (client.state === 'active' ? [client] : []));
    const { audience, rules, windows } =
      chain.selective.length > 0 ? this.#selection.watchedByAll(chain, active) : inner;
    const patterns = needRules === undefined ? usualNeedRules : Object.freeze(splitGlobs(needRules));
    const own = {
      ...{ name: name ?? '', ...need, labels, windows, file: element.source.path, line: element.line },
      ...{ rules: patterns, rule: findRule(rules.groupRules, groupShort) },
      ...{ recipients: audience.recipients, muted: audience.muted },
    };
    this.needs.push({ need: Object.freeze(own), element });
  }

  /** Warns of rules about what a group needs, in a group without such a need. */
  #warnOfShort({ children, attributes: { need } }: Element): void {
    if (need !== undefined) return;
    for (const child of children) {
      if (child.name !== 'alert' || child.attributes['name'] !== groupShort) continue;
      const message = '<alert name="group-short"> does nothing here: neither the group nor one within it has need';
      this.#options.findings.warn(child, `${message}; write need="..." on the group, or remove it`);
    }
  }

  /** Reports groups that need some of their members and share their name with another group. */
  #checkNames(): void {
    for (const { need, element } of this.needs) {
      const other = this.#groups.get(need.name)?.find((one) => one !== element);
      if (other === undefined) continue;
      const where = `${other.source.path} line ${other.line}`;
      const message = `<group name="${need.name}"> has need, and a group in ${where} has the same name`;
      this.#options.findings.fault(element, `${message}; give one of them another name`);
    }
  }

  #inner(element: Element, outer: Scope): Scope {
    const { findings, readSsh, readChecks } = this.#options;
    const ssh = readSsh(element, outer.ssh);
    checkForwarded(element, outer, ssh, findings);
    const group = element.name === 'group' ? element.attributes['name'] : undefined;
    const chain = chainWithin(outer.chain, element);
    this.#selection.note(chain);
    // Elements for some clients alone give each client rules of its own.
    const { audience, rules, windows } = chain.selective.length > 0 ? outer : this.#readWatched(element, outer);
    return {
      needs: outer.needs,
      ssh,
      audience,
      rules,
      windows,
      checks: readChecks(element, outer.checks),
      chain,
      labels: labelsWithin(element, outer.labels),
      on: onWithin(element) ?? outer.on,
      groups: group === undefined ? outer.groups : Object.freeze([...outer.groups, group]),
      state: stateOf(element) ?? outer.state,
      changes: statePartsOf(element.attributes) ?? outer.changes,
      neighbours: yesOf(element.attributes['neighbours']) ?? outer.neighbours,
      logs: yesOf(element.attributes['logs']) ?? outer.logs,
      everyMs: parseDuration(element.attributes['every'] ?? '') ?? outer.everyMs,
    };
  }
}

/** Returns true for `yes`; undefined if the attribute is not written. */
function yesOf(word: string | undefined): boolean | undefined {
  return word === undefined ? undefined : word === 'yes';
}

/** Reports an element that the collector would visit although the surrounding group belongs to a site. */
function checkForwarded(element: Element, outer: Scope, ssh: SshLayer, findings: Findings): void {
  const { site } = outer.labels;
  if (outer.ssh.transport !== 'forward' || site === undefined || ssh.transport === 'forward') return;
  const message =
    `<${element.name}> has transport="${ssh.transport ?? ''}" inside a group with transport="forward": this collector ` +
    `would visit it, not that of the site ${site}; move it out of the group, or its transport to a file of the site`;
  findings.fault(element, message);
}

const ways: Readonly<Record<Arrival['kind'], string>> = {
  ...{ ssh: 'is visited', local: 'is visited', asked: 'is asked', comes: 'pushes', site: 'is visited by its site' },
};

/** Reports attributes of a client that are refused for its arrival. */
function checkEffects(element: Element, { kind }: Arrival, findings: Findings): void {
  for (const name of Object.keys(element.attributes)) {
    const effect = clientAttributes[name]?.effect;
    if (effect?.[kind] !== 'refused') continue;
    const words = Object.entries(arrivalWords).filter(
      ([other]) => effect[other as keyof typeof arrivalWords] === 'some',
    );
    const remedy = effect.ssh === 'some' ? [] : words.map(([, word]) => `transport="${word}"`);
    const advice = remedy.length === 0 ? `remove ${name}` : `write ${remedy.join(' or ')}, or remove ${name}`;
    findings.fault(element, `<client> has ${name} but ${ways[kind]}; ${advice}`);
  }
}

/** Returns how reports arrive. Shared between the clients of an element. */
function arrivalOf(
  { ssh, everyMs }: Scope,
  { via, url, site }: { readonly via: SshSettings['via']; readonly url: string | null; readonly site: string },
): Arrival {
  switch (ssh.transport) {
    case 'local':
      return { kind: 'local' };
    case 'push':
      return { kind: 'comes', everyMs };
    case 'http':
      return { kind: 'asked', url };
    case 'forward':
      return { kind: 'site', site };
    default:
      return { kind: 'ssh', via };
  }
}

/** Returns the site that forwards a client's reports; '' if none does, or config.xml has a fault. */
function siteOf(element: Element, { ssh, labels }: Scope, findings: Findings): string {
  if (ssh.transport !== 'forward') return '';
  const { site } = labels;
  if (site === undefined) {
    findings.fault(element, '<client> has transport="forward" and no site; write labels="site=NAME"');
  } else if (!isSiteName(site)) {
    findings.fault(
      element,
      '<client> has transport="forward", and the name of its site is too long; write a shorter one',
    );
  }
  return site ?? '';
}

/** Returns the URL at which a client is asked; null if the client has none or an invalid one. */
function urlOf(element: Element, transport: string | undefined, findings: Findings): URL | null {
  if (transport !== 'http') return null;
  const { url, name } = element.attributes;
  if (url === undefined) {
    if (!element.faulty) findings.fault(element, '<client> has transport="http" but no url; write where it is asked');
    return null;
  }
  if (name?.includes('[') === true) findings.fault(element, '<client> with a url is one machine; write one for each');
  return new URL(url);
}

/** Returns the labels of clients inside an element. Returns `outer` itself if the element writes none. */
function labelsWithin({ attributes }: Element, outer: Labels): Labels {
  const own = parseClientLabels(attributes['labels'] ?? '');
  return own === null ? outer : Object.freeze({ ...outer, ...own });
}

const nothing: readonly string[] = Object.freeze([]);

/** Returns the names of `on`; undefined if the element has none of its own. */
function onWithin({ attributes: { on } }: Element): readonly string[] | undefined {
  if (on === undefined) return undefined;
  return on === 'none' ? nothing : Object.freeze([...new Set(parseParentNames(on))]);
}

function stateOf(element: Element): Client['state'] | undefined {
  return element.attributes['state'] as Client['state'] | undefined;
}

/** Returns the state and its end; `active` for a state that has ended, with a warning to remove the attributes. */
function lifetimeOf(
  element: Element,
  state: Client['state'],
  { zone, nowMs, findings }: ReadClientsOptions,
): Pick<Client, 'state' | 'untilMs'> {
  const { until } = element.attributes;
  if (until === undefined) return { state, untilMs: null };
  const untilMs = parseMoment(until, zone);
  if (state === 'active' && !element.faulty) {
    findings.fault(
      element,
      '<client> has until but no state that could end; write state="paused" or "retired", or remove until',
    );
  } else if (untilMs !== null && untilMs <= nowMs) {
    findings.warn(element, `<client> state="${state}" ended at ${until}, so it is active; remove state and until`);
    return { state: 'active', untilMs: null };
  }
  return { state, untilMs };
}
