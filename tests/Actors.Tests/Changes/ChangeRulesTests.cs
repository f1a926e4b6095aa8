using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Changes.ChangesRig;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>What a change is answered, and what is refused, from the caller's side.</summary>
public sealed class ChangeRulesTests
{
    [Fact]
    public void One_document_that_cannot_be_refuses_all_of_them()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put("there", "there.example"));
        rig.Refused(RefusalReason.VersionMismatch, Make.Request(Make.Put("a", "a.example"), Make.Put(Make.Entry("there", "b.example"), ifMatch: 99), Make.Put("c", "c.example")));
        rig.Refused(RefusalReason.PoolExhausted, Make.Request(Make.Put(Make.Entry("a", ["a.example"], ["10.0.0.1"])), Make.Put(Make.Entry("many", Hosts("m", 40)))));
        Assert.Single(rig.Documents);
    }

    [Fact]
    public void The_reply_has_actions_versions_and_addresses_per_document()
    {
        var rig = new ChangesRig();
        var created = rig.Applied(Make.Put("a", "a.example"), Make.Put(Make.Entry("b", ["b.example"], ["10.0.0.1"])));
        Assert.Equal([DocumentAction.Created, DocumentAction.Created], created.Results.Select(r => r.Action));
        Assert.Equal([new HostAddress(HostName.Parse("a.example"), "240.240.0.1"), new HostAddress(HostName.Parse("a.example"), "2001:2::1")], created.Results[0].Addresses);
        Assert.Empty(created.Results[1].Addresses);
        Assert.All(created.Results, r => Assert.Equal(rig.Documents[r.Key].Version, r.Version));
        Assert.All(created.Results, r => Assert.True(r.Version > 0));
        var changed = rig.Applied(Make.Put(Make.Entry("a", ["a.example"], port: 81)), Make.Delete("b"), Make.Delete("never"));
        Assert.Equal([DocumentAction.Configured, DocumentAction.Deleted, DocumentAction.Absent], changed.Results.Select(r => r.Action));
        Assert.Equal((true, 0, 0), (changed.Results[0].Version > created.Results[0].Version, changed.Results[1].Version, changed.Results[2].Version));
        Assert.Equal("240.240.0.1", changed.Results[0].Addresses[0].Value);
    }

    [Fact]
    public void An_unchanged_apply_writes_no_event()
    {
        var rig = new ChangesRig();
        var documents = new[] { Make.Put("a", "a.example", "b.example"), Make.Put(Make.Entry("c", ["c.example"], ["240.240.0.9"])) };
        var first = rig.Applied(documents);
        Assert.NotEmpty(rig.Facts);
        var again = rig.Applied(documents);
        Assert.All(again.Results, r => Assert.Equal(DocumentAction.Unchanged, r.Action));
        Assert.Equal(first.Results.Select(r => r.Version), again.Results.Select(r => r.Version));
        Assert.Equal(first.Results[0].Addresses, again.Results[0].Addresses);
        Assert.Empty(rig.Facts);
    }

    [Fact]
    public void If_Match_takes_exactly_the_version_and_0_means_absent()
    {
        var rig = new ChangesRig();
        var version = rig.Applied(Make.Put(Make.Entry("a", "a.example"), ifMatch: 0)).Results[0].Version;
        var refused = rig.Refused(RefusalReason.VersionMismatch, Make.Request(Make.Put(Make.Entry("a", "b.example"), ifMatch: 0)));
        Assert.Equal(Make.Key("a"), refused.Document);
        rig.Refused(RefusalReason.VersionMismatch, Make.Request(Make.Put(Make.Entry("a", "b.example"), ifMatch: version + 1)));
        rig.Refused(RefusalReason.VersionMismatch, Make.Request(Make.Delete("a", ifMatch: version + 1)));
        rig.Refused(RefusalReason.VersionMismatch, Make.Request(Make.Delete("never", ifMatch: 3)));
        rig.Applied(Make.Put(Make.Entry("a", "b.example"), ifMatch: version));
    }

    [Fact]
    public void A_version_never_comes_back_not_even_after_a_deletion()
    {
        var rig = new ChangesRig();
        var seen = new HashSet<(string, long)>();
        for (var i = 0; i < 6; i++)
        {
            foreach (var result in rig.Applied(Make.Put(Make.Entry("a", ["a.example"], port: 80 + i)), Make.Put(Make.Entry("b", ["b.example"], port: 80 + i))).Results)
                Assert.True(seen.Add((result.Key.Name, result.Version)), $"{result.Key} had version {result.Version} before");
            rig.Applied(Make.Delete("a"));
        }
        var stale = rig.Applied(Make.Put("a", "a.example"));
        rig.Applied(Make.Delete("a"));
        var back = rig.Applied(Make.Put("a", "a.example"));
        rig.Refused(RefusalReason.VersionMismatch, Make.Request(Make.Delete("a", ifMatch: stale.Results[0].Version)));
        Assert.NotEqual(stale.Results[0].Version, back.Results[0].Version);
    }

    [Fact]
    public void A_document_of_another_source_is_left_alone_until_it_is_taken_over()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put("a", "a.example"));
        var refused = rig.Refused(RefusalReason.OtherSource, new ChangeRequest { Source = "file:x", Changes = [Make.Put("a", "a.example")] });
        Assert.Contains("'api'", refused.Detail, StringComparison.Ordinal);
        rig.Refused(RefusalReason.OtherSource, new ChangeRequest { Source = "file:x", Changes = [Make.Delete("a")] });
        var taken = rig.Applied(new ChangeRequest { Source = "file:x", TakeOver = true, Changes = [Make.Put("a", "a.example")] });
        Assert.Equal(DocumentAction.Configured, Assert.Single(taken.Results).Action);
        Assert.Equal("file:x", rig.Documents[Make.Key("a")].Source);
        Assert.Equal(1, rig.LeaseOf("a.example"));
        rig.Refused(RefusalReason.OtherSource, Make.Request(Make.Delete("a")));
    }

    [Fact]
    public void Deleting_what_is_not_there_is_refused_or_absent_as_asked()
    {
        var rig = new ChangesRig();
        rig.Refused(RefusalReason.NotFound, new ChangeRequest { MustExist = true, Changes = [Make.Delete("never")] });
        Assert.Equal(DocumentAction.Absent, Assert.Single(rig.Applied(Make.Delete("never")).Results).Action);
        Assert.Empty(rig.Facts);
    }

    public static TheoryData<string> Malformed => ["empty", "twice", "mislabelled", "key-empty", "key-long", "key-control", "key-of-nodes"];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_request_that_contradicts_itself_is_invalid(string how)
    {
        var put = Make.Put("a", "a.example");
        var request = how switch
        {
            "empty" => Make.Request(),
            "twice" => Make.Request(put, Make.Delete("a")),
            "mislabelled" => Make.Request(put with { Key = Make.Key("b") }),
            "key-empty" => Make.Request(put) with { IdempotencyKey = "" },
            "key-long" => Make.Request(put) with { IdempotencyKey = new string('k', 129) },
            "key-control" => Make.Request(put) with { IdempotencyKey = "a\nb" },
            _ => Make.Request(put) with { IdempotencyKey = " n1/7" },
        };
        var rig = new ChangesRig();
        rig.Refused(RefusalReason.Invalid, request);
        rig.Applied(Make.Request(put) with { IdempotencyKey = new string('k', 128) });
    }

    [Fact]
    public void The_most_documents_that_may_declare_one_host_is_bounded()
    {
        var rig = new ChangesRig();
        rig.Applied([.. Enumerable.Range(0, 256).Select(i => Make.Put("d" + i, "popular.example"))]);
        rig.Refused(RefusalReason.Invalid, Make.Request(Make.Put("one-more", "popular.example")));
        rig.Applied(Make.Delete("d7"), Make.Put("one-more", "popular.example"));
    }
}
