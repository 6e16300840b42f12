import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { startAwsServers } from './aws-servers.ts';
import { blobStoreContract } from './blob-store.contract.ts';
import { temporaryFolder } from './local-folder.ts';

blobStoreContract('A folder', async () => {
  const folder = temporaryFolder();
  return { blobs: createFileBlobStore(folder.path), close: async () => folder.remove() };
});

blobStoreContract('S3', startAwsServers);
