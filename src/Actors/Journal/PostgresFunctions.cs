namespace MeshDns.Actors.Journal;

/// <summary>
/// What the database does by itself, so that each is one round trip and no pause of a client can hold its locks. A function that has been released
/// is never changed in what it takes and gives: a program that needs another one makes it under another name, in a new version of the schema.
/// </summary>
internal static class PostgresFunctions
{
    /// <summary>The key of a remembered reply is taken; the message is the key.</summary>
    public const string KeyTaken = "MD001";

    /// <summary>A fence does not hold; the message is the stream.</summary>
    public const string Fenced = "MD002";

    /// <summary>The lease tables refuse; the message is the number of the run of steps, from 1.</summary>
    public const string GuardRefused = "MD003";

    /// <summary>The kinds of a run of guard steps: all of one kind, in a row.</summary>
    public const int Lease = 1, Reserve = 2, Rest = 3, Unreserve = 4, Claim = 5, Unclaim = 6;

    /// <summary>
    /// Arrays that begin with f_ have an element a stream (in order of the streams, so that two appends never wait for each other in a circle), e_ one
    /// an event, g_ one a run of guard steps, s_ one a step, r_ one a remembered reply.
    /// </summary>
    public const string Append = """
        CREATE FUNCTION meshdns.append(
            f_stream text[], f_owner text[], f_incarnation text[], f_term text[], f_epoch bigint[], f_seq bigint[], f_count bigint[],
            e_fence int[], e_seq bigint[], e_kind text[], e_payload bytea[],
            g_kind int[], g_first int[], g_last int[], s_idx int[], s_address text[], s_host text[],
            r_key text[], r_hash text[], r_reply bytea[], r_lifetime bigint, r_most bigint, r_large bigint, r_bytes bigint)
        RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            v_now bigint := meshdns.now_ms();
            v_count bigint;
        BEGIN
            IF cardinality(r_key) > 0 THEN PERFORM meshdns.remember(v_now, r_key, r_hash, r_reply, r_lifetime, r_most, r_large, r_bytes); END IF;
            FOR i IN 1 .. cardinality(f_stream) LOOP
                UPDATE meshdns.ownership SET seq = seq + f_count[i]
                WHERE stream = f_stream[i] AND owner = f_owner[i] AND incarnation = f_incarnation[i] AND term = f_term[i] AND epoch = f_epoch[i] AND seq = f_seq[i];
                IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'MD002', MESSAGE = f_stream[i]; END IF;
            END LOOP;
            INSERT INTO meshdns.event (stream, seq, term, epoch, kind, payload)
            SELECT f_stream[e_fence[i]], e_seq[i], f_term[e_fence[i]], f_epoch[e_fence[i]], e_kind[i], e_payload[i]
            FROM generate_series(1, cardinality(e_seq)) AS i;
            FOR g IN 1 .. cardinality(g_kind) LOOP
                IF meshdns.guard(g_kind[g], g_first[g], g_last[g], s_idx, s_address, s_host) <> g_last[g] - g_first[g] + 1
                THEN RAISE EXCEPTION USING ERRCODE = 'MD003', MESSAGE = g::text; END IF;
            END LOOP;
            RETURN v_now;
        END $$;
        """;

    /// <summary>
    /// An append with replies under nodes' keys (n_), which are in order, so that two appends that share several never wait in a circle. An append that is under way with the
    /// same key is waited for. What is older than their lifetime is forgotten.
    /// </summary>
    public const string AppendForwarded = """
        CREATE OR REPLACE FUNCTION meshdns.append_forwarded(
            n_key text[], n_reply bytea[], n_lifetime bigint,
            f_stream text[], f_owner text[], f_incarnation text[], f_term text[], f_epoch bigint[], f_seq bigint[], f_count bigint[],
            e_fence int[], e_seq bigint[], e_kind text[], e_payload bytea[],
            g_kind int[], g_first int[], g_last int[], s_idx int[], s_address text[], s_host text[],
            r_key text[], r_hash text[], r_reply bytea[], r_lifetime bigint, r_most bigint, r_large bigint, r_bytes bigint)
        RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            v_now bigint := meshdns.now_ms();
            v_taken text;
        BEGIN
            WITH written AS (
                INSERT INTO meshdns.forwarded_reply (key, reply, at)
                SELECT n_key[i], n_reply[i], v_now FROM generate_series(1, cardinality(n_key)) AS i
                ON CONFLICT DO NOTHING RETURNING key)
            SELECT k INTO v_taken FROM unnest(n_key) AS k WHERE k NOT IN (SELECT key FROM written) LIMIT 1;
            IF FOUND THEN RAISE EXCEPTION USING ERRCODE = 'MD001', MESSAGE = v_taken; END IF;
            DELETE FROM meshdns.forwarded_reply WHERE key = ANY (ARRAY(
                SELECT key FROM meshdns.forwarded_reply WHERE at < v_now - n_lifetime FOR UPDATE SKIP LOCKED));
            RETURN meshdns.append(f_stream, f_owner, f_incarnation, f_term, f_epoch, f_seq, f_count, e_fence, e_seq, e_kind, e_payload,
                g_kind, g_first, g_last, s_idx, s_address, s_host, r_key, r_hash, r_reply, r_lifetime, r_most, r_large, r_bytes);
        END $$;
        """;

    /// <summary>Runs steps first to last, all of one kind; how many of them hit the rows they name. Of the same row twice, one does.</summary>
    public const string Guard = """
        CREATE FUNCTION meshdns.guard(kind int, first int, last int, s_idx int[], s_address text[], s_host text[])
        RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            hit bigint;
        BEGIN
            IF kind IN (1, 2) THEN
                DELETE FROM meshdns.vip_lease WHERE idx = ANY (ARRAY(SELECT s_idx[i] FROM generate_series(first, last) AS i)) AND state = 'quarantined';
                INSERT INTO meshdns.vip_lease (idx, host, state)
                SELECT s_idx[i], s_host[i], CASE kind WHEN 1 THEN 'leased' ELSE 'reserved' END FROM generate_series(first, last) AS i
                ON CONFLICT DO NOTHING;
            ELSIF kind = 3 THEN
                UPDATE meshdns.vip_lease l SET state = 'quarantined' FROM generate_series(first, last) AS i
                WHERE l.idx = s_idx[i] AND l.host = s_host[i] AND l.state = 'leased';
            ELSIF kind = 4 THEN
                UPDATE meshdns.vip_lease l SET state = 'quarantined', host = '' FROM generate_series(first, last) AS i
                WHERE l.idx = s_idx[i] AND l.state = 'reserved';
            ELSIF kind = 5 THEN
                INSERT INTO meshdns.vip_claim (address, host) SELECT s_address[i], s_host[i] FROM generate_series(first, last) AS i
                ON CONFLICT DO NOTHING;
            ELSE
                DELETE FROM meshdns.vip_claim c USING generate_series(first, last) AS i WHERE c.address = s_address[i] AND c.host = s_host[i];
            END IF;
            GET DIAGNOSTICS hit = ROW_COUNT;
            RETURN hit;
        END $$;
        """;

    /// <summary>Remembers replies and forgets those that are too old or too many.</summary>
    public const string Remember = """
        CREATE FUNCTION meshdns.remember(v_now bigint, r_key text[], r_hash text[], r_reply bytea[], r_lifetime bigint, r_most bigint, r_large bigint, r_bytes bigint)
        RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            v_newest bigint;
            v_large boolean := false;
        BEGIN
            FOR i IN 1 .. cardinality(r_key) LOOP
                DELETE FROM meshdns.remembered_reply WHERE key = r_key[i] AND at < v_now - r_lifetime;
                INSERT INTO meshdns.remembered_reply (key, request_hash, reply, at) VALUES (r_key[i], r_hash[i], r_reply[i], v_now)
                ON CONFLICT DO NOTHING RETURNING ordinal INTO v_newest;
                IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'MD001', MESSAGE = r_key[i]; END IF;
                v_large := v_large OR length(r_reply[i]) > r_large;
            END LOOP;
            -- What another append is just forgetting is left to it.
            DELETE FROM meshdns.remembered_reply WHERE key = ANY (ARRAY(
                SELECT key FROM meshdns.remembered_reply WHERE at < v_now - r_lifetime FOR UPDATE SKIP LOCKED));
            DELETE FROM meshdns.remembered_reply WHERE key = ANY (ARRAY(
                SELECT key FROM meshdns.remembered_reply WHERE ordinal <= v_newest - r_most FOR UPDATE SKIP LOCKED));
            -- Large replies are rare and the sum over all rows costs; small ones are bounded by their number.
            IF v_large THEN
                DELETE FROM meshdns.remembered_reply WHERE ordinal < v_newest AND ordinal = ANY (ARRAY(
                    SELECT ordinal FROM (SELECT ordinal, sum(length(reply)) OVER (ORDER BY ordinal DESC) AS bytes FROM meshdns.remembered_reply) AS sums WHERE bytes > r_bytes));
            END IF;
        END $$;
        """;

    /// <summary>Claims streams, in order; the ones granted.</summary>
    public const string ClaimStreams = """
        CREATE FUNCTION meshdns.claim(v_node text, v_incarnation text, v_term text, w_stream text[], w_term text[], w_epoch bigint[])
        RETURNS TABLE (c_stream text, c_epoch bigint, c_seq bigint) LANGUAGE plpgsql AS $$
        DECLARE
            v_now bigint := meshdns.now_ms();
        BEGIN
            FOR i IN 1 .. cardinality(w_stream) LOOP
                IF w_epoch[i] = 0 THEN
                    RETURN QUERY INSERT INTO meshdns.ownership AS o (stream, owner, incarnation, term, epoch, seq)
                    SELECT w_stream[i], v_node, v_incarnation, v_term, 1, 0 WHERE w_term[i] = ''
                    ON CONFLICT DO NOTHING RETURNING o.stream, o.epoch, o.seq;
                ELSE
                    RETURN QUERY UPDATE meshdns.ownership AS o SET owner = v_node, incarnation = v_incarnation, term = v_term, epoch = o.epoch + 1
                    WHERE o.stream = w_stream[i] AND o.term = w_term[i] AND o.epoch = w_epoch[i]
                      AND (o.owner = '' OR (o.owner = v_node AND o.incarnation = v_incarnation)
                        OR NOT EXISTS (SELECT FROM meshdns.member m WHERE m.node = o.owner AND m.incarnation = o.incarnation AND m.expires_at > v_now))
                    RETURNING o.stream, o.epoch, o.seq;
                END IF;
            END LOOP;
        END $$;
        """;

    /// <summary>Makes a node a member (outcome 0), or tells which live member is in the way: 1 has the name, 2 speaks another protocol.</summary>
    public const string Join = """
        CREATE FUNCTION meshdns.join_member(
            v_node text, v_incarnation text, v_previous text, v_address text, v_roles text, v_version text, v_protocol int, v_report text, v_lease bigint, v_fitting int[],
            OUT outcome int, OUT other_node text, OUT other_address text, OUT other_protocol int, OUT other_lease bigint) LANGUAGE plpgsql AS $$
        DECLARE
            v_now bigint;
        BEGIN
            -- One at a time: two newcomers that do not fit together must not miss each other.
            PERFORM pg_advisory_xact_lock(5210853, 2);
            v_now := meshdns.now_ms();
            SELECT 1, m.node, m.address, m.protocol, m.expires_at - v_now INTO outcome, other_node, other_address, other_protocol, other_lease
            FROM meshdns.member m WHERE m.node = v_node AND m.expires_at > v_now AND m.incarnation NOT IN (v_incarnation, v_previous);
            IF FOUND THEN RETURN; END IF;
            SELECT 2, m.node, m.address, m.protocol, m.expires_at - v_now INTO outcome, other_node, other_address, other_protocol, other_lease
            FROM meshdns.member m WHERE m.node <> v_node AND m.expires_at > v_now AND m.protocol <> ALL (v_fitting) ORDER BY m.node LIMIT 1;
            IF FOUND THEN RETURN; END IF;
            outcome := 0;
            INSERT INTO meshdns.member (node, incarnation, address, roles, version, protocol, report, expires_at)
            VALUES (v_node, v_incarnation, v_address, v_roles, v_version, v_protocol, v_report, v_now + v_lease)
            ON CONFLICT (node) DO UPDATE SET incarnation = v_incarnation, address = v_address, roles = v_roles, version = v_version,
                protocol = v_protocol, report = v_report, expires_at = v_now + v_lease;
        END $$;
        """;
}
