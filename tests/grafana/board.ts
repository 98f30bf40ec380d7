// What a board of ours may have: Grafana's own types, panel by panel, with what they leave open closed by ours.
//
// `Dashboard` of @grafana/schema has panels of any options and any targets, so that it accepts misspelt ones. Here each
// kind of panel has the options and the fields of its plugin, and its enums are their values, as JSON has them.
import type * as grafana from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as states from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** A type with the values of its enums in place of them, at any depth. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends (infer Each)[]
      ? Plain<Each>[]
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

type Source = { type: 'prometheus'; uid: '${datasource}' };

type Target = {
  refId: string;
  datasource: Source;
  expr: string;
  legendFormat: string;
  instant: boolean;
  range: boolean;
  exemplar: boolean;
  format: 'time_series' | 'table' | 'heatmap';
  editorMode: 'code';
  hide?: boolean;
};

type Link = { title: string; url: string; targetBlank: boolean };
type Thresholds = Plain<grafana.ThresholdsConfig>;

type Field<Custom> = Omit<Plain<grafana.FieldConfig>, 'custom' | 'links' | 'unit' | 'noValue' | 'thresholds'> & {
  unit: string;
  noValue: string;
  thresholds: Thresholds;
  links?: Link[];
  custom?: Plain<Custom>;
};

type Property =
  | { id: 'unit'; value: string }
  | { id: 'thresholds'; value: Thresholds }
  | { id: 'color'; value: Plain<grafana.FieldColor> }
  | { id: 'links'; value: Link[] }
  | { id: 'custom.cellOptions'; value: Plain<grafana.TableCellOptions> }
  | { id: 'custom.minWidth'; value: number };

type Override = { matcher: { id: 'byName' | 'byFrameRefID'; options: string }; properties: Property[] };

type Transformation =
  | { id: 'merge'; options: Record<string, never> }
  | { id: 'sortBy'; options: { fields: Record<string, never>; sort: { field: string; desc: boolean }[] } }
  | {
      id: 'organize';
      options: {
        excludeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
      };
    };

type Panel<Type extends string, Options, Custom> = {
  type: Type;
  id: number;
  title: string;
  description: string;
  transparent: boolean;
  datasource: Source;
  gridPos: Plain<grafana.Panel['gridPos']>;
  targets: Target[];
  transformations?: Transformation[];
  options: Plain<Options>;
  fieldConfig: { defaults: Field<Custom>; overrides: Override[] };
};

type NoCustom = Record<string, never>;

type AnyPanel =
  | Panel<'stat', stat.Options, NoCustom>
  | Panel<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | Panel<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | Panel<'state-timeline', states.Options, states.FieldConfig>
  | Panel<'bargauge', bargauge.Options, NoCustom>
  | Panel<'table', table.Options, table.FieldConfig>
  | (Omit<Plain<grafana.RowPanel>, 'panels'> & { panels: [] });

/** What Prometheus' data source reads of an annotation. */
type Mark = Omit<Plain<grafana.AnnotationQuery>, 'target'> & {
  expr: string;
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime: boolean;
};

type Variable = Omit<Plain<grafana.VariableModel>, 'query'> & {
  query: string | { qryType: 1; query: string; refId: string };
};

/** A board: the dashboard of @grafana/schema, with our panels, and what we always set. */
export type Board = Omit<
  Plain<grafana.Dashboard>,
  'panels' | 'editable' | 'schemaVersion' | 'graphTooltip' | 'annotations' | 'templating'
> & {
  uid: string;
  title: string;
  editable: false;
  schemaVersion: 42;
  graphTooltip: 1;
  annotations: { list: Mark[] };
  templating: { list: Variable[] };
  panels: AnyPanel[];
};
