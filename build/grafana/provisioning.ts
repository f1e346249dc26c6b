import type { Source } from './panels.ts';

type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

interface ProvisioningFile {
  /** The comment of the first line, after the path on the machine of Grafana. */
  readonly about: string;
  readonly content: { readonly [key: string]: Yaml };
}

const title = 'Fleet Health';
const folder = '/etc/grafana/provisioning';

/** The settings of each data source. */
const datasources: Readonly<Record<Source, ProvisioningFile>> = {
  mysql: {
    about: ': MariaDB or MySQL, by a user who may only SELECT.',
    content: {
      type: 'mysql',
      access: 'proxy',
      url: 'db.example.org:3306',
      user: 'fleet_reader',
      jsonData: { database: 'fleet', timezone: '+00:00', timeInterval: '5m', maxOpenConns: 8 },
      secureJsonData: { password: '$FLEET_READER_PASSWORD' },
    },
  },
  prometheus: {
    about: '',
    content: {
      type: 'prometheus',
      access: 'proxy',
      url: 'http://prometheus.example.org:9090',
      jsonData: { httpMethod: 'POST', timeInterval: '1m' },
    },
  },
};

/** Comments before keys, by source. */
const comments: Readonly<Record<Source, Readonly<Record<string, string>>>> = {
  mysql: { timezone: 'The tables hold UTC.', timeInterval: 'The `every` of <collector>.' },
  prometheus: { timeInterval: 'The scrape interval.' },
};

const providers: Yaml = [
  {
    name: title,
    folder: title,
    type: 'file',
    allowUiUpdates: false,
    options: { path: '/usr/local/share/fleet-health/grafana/mysql' },
  },
];

/** Returns the content of each provisioning file by its name below grafana/. */
export function provisioningFiles(sources: readonly Source[]): readonly (readonly [string, string])[] {
  const dashboards = 'dashboards/fleet-health.yaml';
  const about = '. Take the folder of your data source: mysql or prometheus.';
  return [
    ...sources.map((source) => {
      const name = `datasources/fleet-health-${source}.yaml`;
      const { about: words, content } = datasources[source];
      return provisioningFile(name, words, { apiVersion: 1, datasources: [{ name: title, ...content }] }, source);
    }),
    provisioningFile(dashboards, about, { apiVersion: 1, providers }, null),
  ];
}

function provisioningFile(
  name: string,
  about: string,
  content: Yaml,
  source: Source | null,
): readonly [string, string] {
  const lines = yamlLines(content, source === null ? {} : comments[source]);
  return [`provisioning/${name}`, `# ${folder}/${name}${about}\n${lines.join('\n')}\n`];
}

/**
 * Returns the lines of a value in YAML: mappings and lists as blocks, text in quotes if YAML could read it as another
 * type.
 */
function yamlLines(value: Yaml, notes: Readonly<Record<string, string>>): readonly string[] {
  if (Array.isArray(value)) {
    return value.flatMap((one: Yaml) =>
      yamlLines(one, notes).map((line, index) => `${index === 0 ? '-' : ' '} ${line}`),
    );
  }
  if (typeof value !== 'object') return [scalar(value)];
  return Object.entries(value).flatMap(([key, part]) => {
    const note = notes[key];
    const inner = yamlLines(part, notes);
    const lines =
      typeof part === 'object' ? [`${key}:`, ...inner.map((line) => `  ${line}`)] : [`${key}: ${inner.join('')}`];
    return note === undefined ? lines : [`# ${note}`, ...lines];
  });
}

/** Returns a scalar of YAML. Text is in quotes unless it is a word or an address. */
function scalar(value: string | number | boolean): string {
  return typeof value !== 'string' || /^[A-Za-z$/][\w ./:$-]*$/.test(value)
    ? String(value)
    : `'${value.replaceAll("'", "''")}'`;
}
