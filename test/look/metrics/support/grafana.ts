import { grafanaFiles } from '../../../../build/grafana/grafana.ts';
import type { Source } from '../../../../build/grafana/panels.ts';

/** A query of a dashboard, or of one of its variables. */
export interface GrafanaQuery {
  readonly name: string;
  readonly text: string;
  readonly isInstant: boolean;
}

interface Target {
  readonly rawSql?: string;
  readonly expr?: string;
  readonly instant?: boolean;
}

interface Dashboard {
  readonly title: string;
  readonly panels: readonly { readonly title: string; readonly targets: readonly Target[] }[];
}

/** Returns the queries of the dashboards for a data source. */
export function grafanaQueries(source: Source): readonly GrafanaQuery[] {
  return [...grafanaFiles()]
    .filter(([name]) => name.startsWith(source))
    .flatMap(([, content]) => {
      const { title, panels } = JSON.parse(content) as Dashboard;
      return panels.flatMap((panel) =>
        panel.targets.map(({ rawSql, expr, instant = false }, index) => ({
          name: `${title}, ${panel.title}, ${index + 1}`,
          text: rawSql ?? expr ?? '',
          isInstant: instant,
        })),
      );
    });
}

export interface Chosen {
  readonly clients: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalSeconds: number;
}

/**
 * Expands the macros and variables of a MySQL query as Grafana documents them: $__timeFilter, $__timeGroupAlias,
 * $__interval and `${client:sqlstring}`.
 */
export function expandMysql(sql: string, { clients, fromMs, toMs, intervalSeconds }: Chosen): string {
  const second = (atMs: number): string => `FROM_UNIXTIME(${Math.floor(atMs / 1000)})`;
  const names = clients.map((client) => `'${client.replaceAll("'", "''")}'`).join(',');
  return sql
    .replaceAll('${client:sqlstring}', names)
    .replaceAll('$__interval', `${intervalSeconds}s`)
    .replaceAll(
      /\$__timeGroupAlias\((\w+),(\d+)s\)/g,
      (_, column: string, seconds: string) => `UNIX_TIMESTAMP(${column}) DIV ${seconds} * ${seconds} AS "time"`,
    )
    .replaceAll(
      /\$__timeFilter\((\w+)\)/g,
      (_, column: string) => `${column} BETWEEN ${second(fromMs)} AND ${second(toMs)}`,
    );
}

/** Expands `$client` and $__range in PromQL. Several clients become a regular expression, each client escaped. */
export function expandPrometheus(expr: string, { clients, fromMs, toMs, intervalSeconds }: Chosen): string {
  const isExpression = expr.includes('=~"$client');
  const escaped = clients.map((client) => client.replaceAll(/[\\^$*+?.()|[\]{}]/g, String.raw`\\$&`));
  const names = isExpression ? (escaped.length === 1 ? escaped[0] : `(${escaped.join('|')})`) : clients[0];
  return expr
    .replaceAll('$client', () => names ?? '')
    .replaceAll('$__range', `${Math.floor((toMs - fromMs) / 1000)}s`)
    .replaceAll('$__interval', `${intervalSeconds}s`);
}
