import type { AvroRecord } from '../avro-schema.ts';
import { type Incompatibility, compareForFullTransitive } from './compatibility.ts';
import { type Change, type DeployOrder, deployOrderOf, describeChange } from './describe-change.ts';
import type { Topic } from '../topics.ts';
import type { TopicVersions } from './topic-versions.ts';

/** How a topic's schema differs from the latest of other versions, and what that means for all of them. */
export interface SchemaDiff {
  readonly topic: string;
  readonly against: string;
  /** The latest of the other versions; null where there is none. */
  readonly version: number | null;
  /** The one of them that is this program's schema; null where none is. */
  readonly held_as: number | null;
  /**
   * From the latest version to this program's schema. Where that is an older version of them: from it to the latest, for
   * then the others are the news.
   */
  readonly changes: readonly Change[];
  readonly compatible: boolean;
  readonly deploy_first: DeployOrder;
  /** With every other version, not only with the latest; none for a schema that is one of them. */
  readonly problems: readonly Incompatibility[];
}

/** Compares `schema` with the other versions. Nothing is compared where there are none: then everything is new. */
export function diffSchema(topic: Topic, schema: AvroRecord, { origin, versions }: TopicVersions): SchemaDiff {
  const latest = versions.at(-1);
  const held = versions.findLast((version) => describeChange(schema, version.schema).length === 0);
  const problems = held === undefined ? compareForFullTransitive(schema, versions) : [];
  const changes = latest === undefined ? [] : changesBetween(schema, latest.schema, held !== undefined);
  const compatible = problems.length === 0;
  return {
    topic: topic.name,
    against: origin,
    version: latest?.version ?? null,
    held_as: held?.version ?? null,
    changes,
    compatible,
    deploy_first: deployOrderOf(changes, compatible),
    problems,
  };
}

function changesBetween(own: AvroRecord, latest: AvroRecord, held: boolean): readonly Change[] {
  return held ? describeChange(latest, own) : describeChange(own, latest);
}
