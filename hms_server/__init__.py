"""HMS: the gRPC server of a multi-tenant hospital management platform, its workers and its tools."""
