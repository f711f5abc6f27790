import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';

/**
 * Gives equal partition numbers of all topics to one member, as kafkajs's own assigner does not: what a processor keeps for a
 * partition it keeps for that number of each of its topics (pipelines/runtime/per-partition.ts). Members of the same group that know
 * only kafkajs's assigner keep the group on that one until they are gone.
 */
export const coPartitionedAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'HarvestlineCoPartitioned',
  version: 0,
  async assign({ members, topics }) {
    const memberIds = members.map(({ memberId }) => memberId).toSorted();
    return memberIds.map((memberId, place) => {
      const own = topics.map((topic) => {
        const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
        return [topic, partitions.filter((partition) => partition % memberIds.length === place)] as const;
      });
      const assignment = Object.fromEntries(own.map(([topic, partitions]) => [topic, [...partitions]]));
      return {
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData: EMPTY }),
      };
    });
  },
  protocol({ topics }) {
    return {
      name: 'HarvestlineCoPartitioned',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: EMPTY }),
    };
  },
});

const EMPTY = Buffer.alloc(0);
