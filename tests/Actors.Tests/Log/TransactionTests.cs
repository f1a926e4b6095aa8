using System.Text;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Log;

/// <summary>Transactions as rows: what is written is read, and nothing else is.</summary>
public sealed class TransactionTests
{
    [Fact]
    public void What_is_written_is_read_in_the_order_in_which_it_was_decided()
    {
        var log = new LogRows();
        MeshEvent[] facts = [.. Enumerable.Range(0, 12).SelectMany(i => new[] { LogRows.Put("d" + i, i + 1), new VipGranted(i + 1, HostName.Parse($"h{i}.example")) { At = 5 } })];
        log.Write(facts, new RememberedKey("small", "1", [1, 2, 3]), new RememberedKey("large", "2", [.. Enumerable.Range(0, 400_000).Select(i => (byte)(i * 7))]));
        log.Write([]);
        var read = LogRows.Read(log.Rows);
        Assert.Equal(3, read.Count);
        Assert.Equal(facts.Select(Text), read[1].Facts.Select(Text));
        Assert.Equal(["small", "large"], read[1].Keys.Select(k => k.Key));
        Assert.Equal([1, 2, 3], read[1].Keys[0].Reply);
        Assert.Equal(Enumerable.Range(0, 400_000).Select(i => (byte)(i * 7)), read[1].Keys[1].Reply);
        Assert.Equal(read[0].Position, read[1].Before);
        Assert.Equal(log.Rows[^1].Position, read[2].Position);
        Assert.True(read[1].Buckets.Count > 1, "facts of one bucket show nothing");
        Assert.All(read[1].Buckets, b => Assert.Equal(log.Rows.Last(r => r.Tag == LogRows.Buckets.TagOf(b.Key)).Position, b.Value));
    }

    [Fact]
    public void No_row_is_larger_than_it_may_be_and_what_fits_no_row_is_not_written()
    {
        var log = new LogRows();
        log.Write([.. LogRows.Puts(20, padding: 100_000)]);
        Assert.All(log.Rows, r => Assert.InRange(r.Payload.Length, 1, LogRow.MaxBytes));
        Assert.True(log.Rows.Count > 8, "nothing was parted");
        Assert.Equal(20, LogRows.Read(log.Rows)[1].Facts.Count);
        Assert.Null(log.Lay([LogRows.Put("huge", 1, padding: 400_000)]));
    }

    [Fact]
    public void Facts_of_no_host_fill_as_many_rows_as_they_need()
    {
        MeshEvent[] facts = [.. Enumerable.Range(0, 60_000).Select(i => (MeshEvent)new VipRested(i, null, 1_700_000_000_000 + (i * 7919L % 1_000_003)) { At = 5 })];
        var written = new LogRows().Lay(facts);
        Assert.NotNull(written);
        Assert.All(written.Rows, r => Assert.InRange(r.Payload.Length, 1, LogRow.MaxBytes));
    }

    [Fact]
    public void A_row_that_is_missing_doubled_or_out_of_order_is_a_broken_log()
    {
        var log = Long();
        for (var i = 1; i < log.Rows.Count - 1; i++)
        {
            LogRow[] missing = [.. log.Rows.Where((_, at) => at != i)];
            LogRow[] doubled = [.. log.Rows.Take(i), log.Rows[i - 1], .. log.Rows.Skip(i)];
            LogRow[] swapped = [.. log.Rows.Take(i), log.Rows[i + 1], log.Rows[i], .. log.Rows.Skip(i + 2)];
            Assert.Throws<BrokenLogException>(() => LogRows.Read(missing));
            Assert.Throws<BrokenLogException>(() => LogRows.Read(doubled));
            Assert.Throws<BrokenLogException>(() => LogRows.Read(swapped));
            // Renumbered: the numbers are right, and the transaction is not whole.
            if (log.Rows[i].Kind == RowKind.Closing) continue;
            Assert.Throws<BrokenLogException>(() => LogRows.Read(missing.Select((r, at) => r with { Number = at + 1 })));
        }
    }

    [Fact]
    public void A_row_of_another_past_with_the_right_number_does_not_follow()
    {
        var (one, other) = (new LogRows(), new LogRows());
        one.Begin(LogRows.TermB);
        one.Grant(1, "a.example");
        other.Write([]);
        other.Grant(2, "c.example");
        Assert.Equal(one.Rows.Count, other.Rows.Count);
        var after = one.State.Position;
        other.Grant(3, "d.example");
        Assert.Throws<BrokenLogException>(() => LogRows.Read(other.Rows.Skip(one.Rows.Count), after));
    }

    [Fact]
    public void A_term_begins_with_its_start_row()
    {
        var log = new LogRows();
        log.Grant(1, "a.example");
        var written = new TransactionWriter(LogRows.Buckets).Write(new TransactionDraft(9, "", [LogRows.Put("d", 1)], []), log.State.Position, LogRows.TermB, _ => LogPosition.Start)!;
        Assert.Contains("start", Assert.Throws<BrokenLogException>(() => LogRows.Read([.. log.Rows, .. written.Rows])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_does_not_go_back()
    {
        var log = Long();
        var written = new TransactionWriter(LogRows.Buckets).Write(new TransactionDraft(log.State.At - 1, "", [], []), log.State.Position, log.Term, _ => LogPosition.Start)!;
        Assert.Throws<BrokenLogException>(() => LogRows.Read([.. log.Rows, .. written.Rows]));
    }

    [Fact]
    public void Any_damage_of_any_byte_is_read_as_something_else_or_refused()
    {
        var log = Long();
        foreach (var row in log.Rows)
        {
            for (var at = 0; at < row.Payload.Length; at += Math.Max(1, row.Payload.Length / 400))
            {
                foreach (var damage in new byte[] { 1, 0x80, 0xFF })
                {
                    byte[] bytes = [.. row.Payload];
                    bytes[at] ^= damage;
                    Refused(row with { Payload = bytes });
                }
                Refused(row with { Payload = row.Payload[..at] });
            }
        }

        static void Refused(LogRow row)
        {
            try { RowCodec.Decode(row); }
            catch (FormatException) { }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"first":1}""")]
    [InlineData("""{"first":1,"count":2147483647,"at":1,"facts":[],"keys":[],"buckets":[]}""")]
    [InlineData("""{"first":1,"count":0,"at":1,"facts":[],"keys":[],"buckets":[7]}""")]
    [InlineData("""{"first":1,"count":1,"at":1,"facts":[[0,"never-heard-of-1",{}]],"keys":[],"buckets":[]}""")]
    [InlineData("""{"first":1,"count":0,"at":1,"facts":[],"keys":[{"key":"k","digest":"d"}],"buckets":[]}""")]
    [InlineData("""{"first":2,"count":0,"at":1,"facts":[],"keys":[],"buckets":[]}""")]
    public void A_closing_row_that_lies_is_a_broken_log(string json) =>
        Assert.Throws<BrokenLogException>(() => LogRows.Read([new LogRow(1, RowKind.Closing, LogRows.TermA, LogPosition.NoTerm, LogRow.MeshTag, Encoding.UTF8.GetBytes(json))]));

    [Fact]
    public void A_row_that_unpacks_to_more_than_it_may_is_refused()
    {
        using var packed = new MemoryStream();
        packed.WriteByte(1);
        using (var deflate = new System.IO.Compression.DeflateStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true)) deflate.Write(new byte[17 << 20]);
        Assert.True(packed.Length < LogRow.MaxBytes);
        Assert.Throws<FormatException>(() => RowCodec.Decode(new LogRow(1, RowKind.Closing, LogRows.TermA, LogPosition.NoTerm, LogRow.MeshTag, packed.ToArray())));
    }

    [Theory]
    [InlineData("aaaaaaaaaaaaaaaa0000000000000000closing.1", true)]
    [InlineData("aaaaaaaaaaaaaaaa0000000000000000closing.2", false)]
    [InlineData("aaaaaaaaaaaaaaaa000000000000000closing.1", false)]
    [InlineData("Aaaaaaaaaaaaaaaa0000000000000000closing.1", false)]
    [InlineData("", false)]
    public void A_manifest_is_of_this_version_or_refused(string manifest, bool isOurs)
    {
        if (isOurs) Assert.Equal(manifest, LogRow.Of(1, manifest, "mesh", []).Manifest);
        else Assert.Throws<FormatException>(() => LogRow.Of(1, manifest, "mesh", []));
    }

    private static LogRows Long()
    {
        var log = new LogRows();
        log.Write([.. LogRows.Puts(9)], new RememberedKey("large", "2", new byte[200_000]), new RememberedKey("k", "d", [1]));
        log.Grant(1, "a.example");
        return log;
    }

    private static string Text(MeshEvent fact) => EventCodec.Encode(fact) is var encoded ? encoded.Kind + Encoding.UTF8.GetString(encoded.Payload) : "";
}
