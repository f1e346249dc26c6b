import { createFindings } from '../xml/findings.ts';
import { localPath } from '../xml/local-path.ts';
import { type Element, parseElements } from '../xml/parse-elements.ts';
import { readSource } from '../xml/read-source.ts';
import type { SiteConfig } from '../serve-config.ts';
import { checkAttributes } from '../vocabulary/check-vocabulary.ts';
import type { ElementSpec } from '../vocabulary/element-spec.ts';
import { isThisMachine } from './is-this-machine.ts';
import { checkPermissions, createSecretPlaces } from './permissions.ts';
import { readSecret, type ReadContext } from './read-secret.ts';

const rootSpec: ElementSpec = { parents: [], attributes: {}, help: 'The sites of a federation.' };
const siteSpec: ElementSpec = {
  parents: ['sites'],
  attributes: {
    name: { kind: 'word', required: true, help: 'What the pages call it.' },
    url: { kind: 'spokeUrl', required: true, help: 'The address of its `serve`.' },
    tokenFile: { kind: 'path', help: 'A file whose first line is a token of the site for status.' },
    ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
  },
  help: 'A `serve` that is asked.',
};
/** The most sites: each takes two connections and up to 4 MiB during a query. */
const mostSites = 100;

/** Reads the file of `serve --fleet`. Throws ConfigError with all its faults, as for config.xml. */
export function readSites(file: string): readonly SiteConfig[] {
  const findings = createFindings();
  const context: ReadContext = { findings, places: createSecretPlaces() };
  const read = readSource({ shown: file, order: 0, findings });
  const place = { source: { shown: file, path: file, order: 0, mode: 0, uid: 0, gid: 0 }, line: null };
  if (read === 'ENOENT') findings.fault(place, 'does not exist; write <sites><site name="" url=""/></sites> into it');
  const root = read === 'ENOENT' || read === null ? null : parseElements(read.text, read.source, findings);
  const sites = root === null ? [] : readElements(root, context);
  if (read !== 'ENOENT' && read !== null) checkPermissions([read.source], context.places, findings);
  findings.throwFaults();
  return sites;
}

function readElements(root: Element, context: ReadContext): readonly SiteConfig[] {
  const { findings } = context;
  if (root.name !== 'sites') findings.fault(root, `the root is <${root.name}>; write <sites>`);
  checkAttributes(root, rootSpec, findings);
  const names = new Set<string>();
  const sites = root.children.flatMap((element) => {
    const site = readSite(element, context);
    if (site !== null && names.has(site.name)) findings.fault(element, `a second <site name="${site.name}">`);
    if (site !== null) names.add(site.name);
    return site ?? [];
  });
  if (root.children.length === 0) findings.fault(root, 'no <site> stands in it; write <site name="" url=""/>');
  if (sites.length > mostSites) findings.fault(root, `more than ${mostSites} sites; split them`);
  return sites;
}

function readSite(element: Element, context: ReadContext): SiteConfig | null {
  const { findings } = context;
  if (element.name !== 'site' || element.children.length > 0) {
    findings.fault(element, `in <sites> stand <site/> alone, not <${element.name}>`);
    return null;
  }
  checkAttributes(element, siteSpec, findings);
  if (element.faulty) return null;
  const { name = '', url = '', ca } = element.attributes;
  const token = readSecret(element, 'token', context) ?? null;
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && token !== null && !isThisMachine(hostname.replace(/^\[|\]$/g, ''))) {
    findings.fault(element, `<site name="${name}"> would send its token in clear; write https:// or use a tunnel`);
  }
  return {
    name,
    url: url.endsWith('/') ? url : `${url}/`,
    token,
    ca: ca === undefined ? null : localPath(ca, element.source),
  };
}
