DROP TABLE dataset_files;
DROP FUNCTION release_blob();
DROP TABLE blob_parts;
DROP TABLE blobs;
