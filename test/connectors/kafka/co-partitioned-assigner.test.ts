import * as fc from 'fast-check';
import { AssignerProtocol, type Cluster, type Logger } from 'kafkajs';
import { expect, it } from 'vitest';
import { coPartitionedAssigner } from '../../../connectors/kafka/kafka-consumer.ts';

const TOPICS = ['intents', 'reconciled'];

it('gives equal partition numbers of all topics to one member, and each partition to one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 12 }), async (members, partitions) => {
      const cluster = {
        findTopicPartitionMetadata: () => Array.from({ length: partitions }, (_, partitionId) => ({ partitionId })),
      } as unknown as Cluster;
      const assigner = coPartitionedAssigner({ cluster, groupId: 'g', logger: {} as Logger });
      const group = Array.from({ length: members }, (_, index) => ({
        memberId: `m${index}`,
        memberMetadata: Buffer.from(''),
      }));
      const assigned = await assigner.assign({ members: group.toReversed(), topics: TOPICS });
      const owners = new Map<string, string>();
      for (const { memberId, memberAssignment } of assigned) {
        const decoded = AssignerProtocol.MemberAssignment.decode(memberAssignment);
        for (const [topic, own] of Object.entries(decoded?.assignment ?? {})) {
          for (const partition of own) {
            expect(owners.has(`${topic} ${partition}`)).toBe(false);
            owners.set(`${topic} ${partition}`, memberId);
          }
        }
      }
      expect(owners.size).toBe(TOPICS.length * partitions);
      for (let partition = 0; partition < partitions; partition++) {
        expect(owners.get(`intents ${partition}`)).toBe(owners.get(`reconciled ${partition}`));
      }
      expect(assigned).toHaveLength(members);
    }),
  );
});
