using MeshDns.Actors.Log;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Log;

/// <summary>A log that is well passes, and each kind of damage that is planted is found.</summary>
public sealed class LogAuditTests
{
    private static readonly VipLedgerCore _vips = new(LogRows.Range);

    private readonly LogRows _log = new();
    private readonly List<KeptImage> _images = [];

    public LogAuditTests()
    {
        _log.Write([
            new ClusterFounded("c", LogRows.Range.V4.ToString(), LogRows.Range.V6.ToString(), LogRows.Buckets.Count) { At = 1 },
            new QuarantineChanged(10_000) { At = 1 },
            new SettingsChanged(30_000, ["mesh.example"], "cluster.local") { At = 1 },
        ]);
        Declare("a", 1);
        Declare("b", 2);
        KeepImage();
        _log.Begin(LogRows.TermB);
        Withdraw("a", 1);
        KeepImage();
        Declare("c", 3);
    }

    [Fact]
    public void A_good_log_passes_and_is_counted()
    {
        var whole = new List<Transaction>();
        var report = LogAudit.Run(_log.Rows, _images, whole.Add);
        Assert.Empty(report.Breaches);
        Assert.Equal((_log.Rows.Count, 9, 2, 2, 2), (report.Rows, report.Transactions, report.Documents, report.Hosts, report.Leases));
        Assert.Equal(whole.Sum(t => t.Facts.Count), report.Events);
        Assert.Equal(9, whole.Count);
    }

    [Fact]
    public void An_empty_log_passes_and_one_that_nobody_founded_does_not()
    {
        Assert.Empty(LogAudit.Run([], []).Breaches);
        Finds("does not say which VIP ranges", new LogRows().Rows, []);
    }

    [Fact]
    public void An_empty_log_that_has_an_image_is_not_well() => Finds("row .* does not vouch for the image of", [], _images);

    [Fact]
    public void Rows_that_an_image_stands_for_may_be_cut_away()
    {
        foreach (var cut in (long[])[_images[0].Image.Position.Number, _images[0].Image.Position.Number + 1, _images[0].Image.Position.Number - 1, _images[1].Image.Position.Number])
        {
            var report = LogAudit.Run([.. _log.Rows.Where(r => r.Number >= cut)], _images);
            Assert.Empty(report.Breaches);
            Assert.Equal((2, 2, 2), (report.Documents, report.Hosts, report.Leases));
        }
        Finds("begins with row 3, and no image", [.. _log.Rows.Skip(2)], []);
    }

    [Theory]
    [InlineData(20_000, null, 19_999)]
    [InlineData(1_000, 10_500L, 9_000)]
    public void A_rest_that_is_shorter_than_the_settings_asked_is_found(long quarantineMs, long? restUntilAfter, long restMs)
    {
        var at = _log.State.At + 1;
        _log.Write([new QuarantineChanged(quarantineMs, at + restUntilAfter) { At = at }]);
        var (document, host) = (Make.Key("c"), HostName.Parse("c.example"));
        _log.Write([new DocumentDeleted(document, at + 1, at + 1), new HostWithdrawn(host, document), new VipReleased(3, host, at + 1 + restMs, ReleaseReason.Withdrawn) { At = at + 1 }]);
        Finds("gives index 3 up until .*, but it has to rest until", _log.Rows);
    }

    [Fact]
    public void A_hole_is_found() => Finds("row 5 came after row 3", [.. _log.Rows.Where(r => r.Number != 4)]);

    [Fact]
    public void A_hole_in_rows_that_an_image_stands_for_is_found() => Finds("row 4 came after row 2", [.. _log.Rows.Skip(1).Where(r => r.Number != 3)]);

    [Fact]
    public void A_row_of_another_past_is_found() => Finds("row 6 follows a row of the term cc*, but row 5 is of aa*", Changed(6, r => r with { PreviousTerm = new string('c', 16) }));

    [Fact]
    public void A_term_that_begins_without_a_start_is_found()
    {
        var first = _log.Rows.First(r => r.Kind == RowKind.Closing && r.Number > 3).Number + 1;
        Finds("another term begins, but not with a start", [.. _log.Rows.Select(r =>
            r.Number < first ? r : r with { Term = new string('c', 16), PreviousTerm = r.Number == first ? r.PreviousTerm : new string('c', 16) })], []);
    }

    [Fact]
    public void A_half_transaction_at_the_end_is_found() => Finds("within a transaction", [.. _log.Rows.SkipLast(1)]);

    [Fact]
    public void A_row_that_cannot_be_read_is_found()
    {
        Finds("row 4 of the log cannot be read", Changed(4, r => r with { Payload = [1, 2, 3] }));
        Finds("row 4 of the log cannot be read", Changed(4, r => r with { Payload = [] }));
    }

    [Fact]
    public void A_row_under_another_buckets_tag_is_found() => Finds("row 3 of shard-.. has a fact of shard-",
        Changed(3, r => r with { Tag = LogRows.Buckets.TagOf((LogRows.Buckets.Of(r.Tag) + 1) % LogRows.Buckets.Count) }));

    [Fact]
    public void A_row_that_names_another_row_of_its_bucket_before_it_is_found()
    {
        var row = _log.Rows.Last(r => r.Kind == RowKind.Facts);
        var content = (BucketFacts)RowCodec.Decode(row);
        Finds("had its last row at 1/", Changed(row.Number, r => r with { Payload = RowCodec.Encode(content with { Before = new LogPosition(1, LogRows.TermA) }) }));
    }

    [Fact]
    public void Two_hosts_on_a_vip_are_found()
    {
        Append(new VipGranted(2, HostName.Parse("second.example")) { At = 1000 });
        Finds("leases index 2 to second.example, but b.example holds it");
        Finds("cannot be replayed");
    }

    [Fact]
    public void A_host_on_two_vips_is_found()
    {
        Append(new VipGranted(7, HostName.Parse("b.example")) { At = 1000 });
        Finds("leases index 7 to b.example, who holds 2");
    }

    [Fact]
    public void A_release_of_what_nobody_holds_is_found()
    {
        Append(new VipReleased(9, HostName.Parse("b.example"), 5000, ReleaseReason.Withdrawn) { At = 1000 });
        Finds("releases index 9 of b.example, who does not hold it");
    }

    [Fact]
    public void A_lease_that_no_document_asks_for_is_found()
    {
        _log.Grant(5, "nobody.example");
        Finds("nobody.example holds a VIP that no document asks for");
    }

    [Fact]
    public void A_host_without_its_lease_is_found()
    {
        _log.Write([new VipReleased(2, HostName.Parse("b.example"), 100_000, ReleaseReason.Withdrawn) { At = _log.State.At + 1 }]);
        Finds("b.example should hold a VIP and holds none");
    }

    [Fact]
    public void Documents_and_hosts_that_do_not_follow_from_each_other_are_found()
    {
        _log.Write([LogRows.Put("alone", 50)]);
        Finds("ServiceEntry/default/alone declares alone.example, but the host's bucket does not know");
        _log.Write([new HostDeclared(HostName.Parse("alone.example"), Declarations("other", ["alone.example"]).Single().Declaration)]);
        Finds("ServiceEntry/default/other declares alone.example to its bucket, but is not there");
        _log.Write([new HostDeclared(HostName.Parse("alone.example"), Declarations("alone", ["alone.example"]).Single().Declaration with { Created = 77 })]);
        Finds("what ServiceEntry/default/alone declares of alone.example differs");
    }

    [Fact]
    public void A_claim_that_the_ledger_does_not_have_is_found()
    {
        var entry = Make.Entry("claims", ["claims.example"], ["240.240.0.9"]);
        _log.Write([new DocumentPut(entry, 60, "api", 0, 0), .. HostDeclaration.Of(entry, 0, HostName.Parse("cluster.local")).Select(d => new HostDeclared(d.Host, d.Declaration))]);
        Finds("claims.example declares the addresses 240.240.0.9, the ledger has none");
    }

    [Fact]
    public void An_image_that_differs_from_what_the_rows_give_is_found()
    {
        var log = new LogRows();
        log.Write([.. LogRows.Read(_log.Rows)[1].Facts]);
        var state = log.State with { At = log.State.At, SourceRuns = log.State.SourceRuns.Add("planted", 1) };
        var image = MeshImage.Of(state, LogRows.Buckets, _vips);
        var row = log.Write([new ImageSaved(image.Position.Number, image.Position.Term, image.Digest) { At = 1 }]).Position.Number;
        Finds("the image of 2/a* is not what the rows give: it differs in mesh", log.Rows, [new KeptImage(image, image.Digest, row)]);
    }

    [Fact]
    public void An_image_whose_parts_are_damaged_is_found()
    {
        var kept = _images[0];
        var parts = new Dictionary<string, PackedBytes>(kept.Image.Parts) { ["vips"] = PackedBytes.Of([.. kept.Image.Parts["vips"].Unpack(), 32]) };
        var damaged = (KeptImage[])[kept with { Image = kept.Image with { Parts = parts } }, _images[1]];
        Finds("is damaged: its parts have another digest", _log.Rows, damaged);
        Finds("it differs in vips", _log.Rows, damaged);
        // Nor is it replayed from.
        Finds("no image that counts", [.. _log.Rows.Skip(2)], [damaged[0]]);
    }

    [Fact]
    public void An_image_that_its_row_does_not_vouch_for_is_found()
    {
        Finds("row 1 does not vouch for the image", _log.Rows, [_images[0] with { Row = 1 }]);
        Finds("row 999 does not vouch for the image", _log.Rows, [_images[0] with { Row = 999 }]);
        Finds("does not vouch for the image", _log.Rows, [_images[0] with { Row = _images[1].Row }]);
        // Stored, and the node died before it could say so: nobody uses it.
        Assert.Empty(LogAudit.Run(_log.Rows, [_images[0] with { Row = null }]).Breaches);
    }

    [Fact]
    public void An_image_of_a_place_where_no_transaction_ends_is_found()
    {
        var image = _images[0].Image with { Position = new LogPosition(3, LogRows.TermA) };
        var row = _log.Write([new ImageSaved(3, LogRows.TermA, image.Digest) { At = 1 }]).Position.Number;
        Finds("the image of 3/a* is of a place where no transaction of this log ends", _log.Rows, [new KeptImage(image, image.Digest, row)]);
    }

    [Fact]
    public void No_damage_is_thrown_and_what_is_told_is_bounded()
    {
        var random = new Random(1);
        for (var i = 0; i < 300; i++)
        {
            var rows = _log.Rows.Select(r => r with { Payload = [.. r.Payload] }).ToList();
            var row = rows[random.Next(rows.Count)];
            for (var n = 0; n < 3; n++) row.Payload[random.Next(row.Payload.Length)] = (byte)random.Next(256);
            _ = LogAudit.Run(rows, _images);
        }
        _log.Write([.. Enumerable.Range(0, 200).Select(i => LogRows.Put("x" + i, 100 + i))]);
        Assert.Equal(LogAuditReport.MostBreaches, LogAudit.Run(_log.Rows, _images).Breaches.Count);
    }

    private void Declare(string name, int index)
    {
        var at = _log.State.At + 1;
        _log.Write([LogRows.Put(name, at), .. Declarations(name, [name + ".example"]).Select(d => new HostDeclared(d.Host, d.Declaration)), new VipGranted(index, HostName.Parse(name + ".example")) { At = at }]);
    }

    private void Withdraw(string name, int index)
    {
        var (at, document, host) = (_log.State.At + 1, Make.Entry(name, [name + ".example"]).Key, HostName.Parse(name + ".example"));
        _log.Write([new DocumentDeleted(document, at, at), new HostWithdrawn(host, document), new VipReleased(index, host, at + 10_000, ReleaseReason.Withdrawn) { At = at }]);
    }

    private void KeepImage()
    {
        var image = MeshImage.Of(_log.State, LogRows.Buckets, _vips);
        var row = _log.Write([new ImageSaved(image.Position.Number, image.Position.Term, image.Digest) { At = _log.State.At }]).Position.Number;
        _images.Add(new KeptImage(image, image.Digest, row));
    }

    // What no fold takes.
    private void Append(MeshEvent fact) => _log.Rows.AddRange(_log.Lay([fact])!.Rows);

    private static IEnumerable<(HostName Host, HostDeclaration Declaration)> Declarations(string name, string[] hosts) =>
        HostDeclaration.Of(Make.Entry(name, hosts), 0, HostName.Parse("cluster.local"));

    private List<LogRow> Changed(long number, Func<LogRow, LogRow> change) => [.. _log.Rows.Select(r => r.Number == number ? change(r) : r)];

    private void Finds(string pattern) => Finds(pattern, _log.Rows);

    private void Finds(string pattern, IReadOnlyList<LogRow> rows) => Finds(pattern, rows, rows == _log.Rows ? _images : []);

    private static void Finds(string pattern, IReadOnlyList<LogRow> rows, IReadOnlyList<KeptImage> images)
    {
        var breaches = LogAudit.Run(rows, images).Breaches;
        Assert.True(breaches.Any(b => System.Text.RegularExpressions.Regex.IsMatch(b, pattern)), $"not found: {pattern}\n{string.Join('\n', breaches)}");
    }
}
