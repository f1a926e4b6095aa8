namespace MeshDns.Actors.Journal;

/// <summary>The tables of the journal, as their first version made them. SQLite has the same ones, but for the members.</summary>
internal static class PostgresTables
{
    /// <summary>What makes an empty schema one of version 1.</summary>
    public const string Version1 = """
        CREATE TABLE meshdns.cluster_setting (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);
        CREATE TABLE meshdns.ownership (
            stream text COLLATE "C" PRIMARY KEY, owner text NOT NULL, incarnation text NOT NULL, term text NOT NULL,
            epoch bigint NOT NULL, seq bigint NOT NULL) WITH (fillfactor = 20);
        CREATE TABLE meshdns.event (
            stream text COLLATE "C" NOT NULL, seq bigint NOT NULL, term text NOT NULL, epoch bigint NOT NULL,
            kind text NOT NULL, payload bytea NOT NULL, PRIMARY KEY (stream, seq));
        CREATE TABLE meshdns.snapshot (
            stream text COLLATE "C" PRIMARY KEY, seq bigint NOT NULL, term text NOT NULL, epoch bigint NOT NULL, payload bytea NOT NULL);
        ALTER TABLE meshdns.snapshot ALTER payload SET STORAGE EXTERNAL;
        CREATE TABLE meshdns.vip_lease (
            idx int PRIMARY KEY, host text COLLATE "C" NOT NULL,
            state text NOT NULL CHECK (state IN ('leased', 'quarantined', 'reserved')));
        CREATE UNIQUE INDEX vip_lease_host ON meshdns.vip_lease (host) WHERE state = 'leased';
        CREATE TABLE meshdns.vip_claim (address text COLLATE "C" NOT NULL, host text COLLATE "C" NOT NULL, PRIMARY KEY (address, host));
        CREATE TABLE meshdns.remembered_reply (
            key text COLLATE "C" PRIMARY KEY, request_hash text NOT NULL, reply bytea NOT NULL, at bigint NOT NULL,
            ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE);
        ALTER TABLE meshdns.remembered_reply ALTER reply SET STORAGE EXTERNAL;
        CREATE INDEX remembered_reply_at ON meshdns.remembered_reply (at);
        CREATE TABLE meshdns.member (
            node text COLLATE "C" PRIMARY KEY, incarnation text NOT NULL, address text NOT NULL, roles text NOT NULL, version text NOT NULL,
            protocol int NOT NULL, report text NOT NULL, expires_at bigint NOT NULL) WITH (fillfactor = 20);
        CREATE FUNCTION meshdns.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
            $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;
        """;

    /// <summary>The name of the table that came after version 1 and that programs of version 1 need not know.</summary>
    public const string Forwarded = "forwarded_reply";

    /// <summary>What makes it; made again it changes nothing.</summary>
    public const string Addition = """
        CREATE TABLE IF NOT EXISTS meshdns.forwarded_reply (key text COLLATE "C" PRIMARY KEY, reply bytea NOT NULL, at bigint NOT NULL);
        CREATE INDEX IF NOT EXISTS forwarded_reply_at ON meshdns.forwarded_reply (at);
        """;
}
