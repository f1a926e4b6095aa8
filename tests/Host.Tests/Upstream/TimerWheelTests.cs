using FsCheck;
using FsCheck.Fluent;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>The wheel does what a sorted list of timers would.</summary>
public sealed class TimerWheelTests
{
    [Fact]
    public void What_is_due_fires_once_at_its_time_and_nothing_else_does() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => Model.Run(new Random(seed))).QuickCheckThrowOnFailure();

    [Fact]
    public void A_timer_beyond_a_turn_waits_for_the_next()
    {
        var wheel = new TimerWheel();
        var timer = new Probe(_ => { });
        wheel.Expire(1000);
        wheel.Set(timer, 11_000);
        while (wheel.NextDueMs is { } next && next < 11_000)
        {
            wheel.Expire(next);
            Assert.Equal(0, timer.Fired);
        }
        wheel.Expire(10_999);
        Assert.Equal(0, timer.Fired);
        wheel.Expire(11_000);
        Assert.Equal((1, 0, null), (timer.Fired, wheel.Count, wheel.NextDueMs));
    }

    [Fact]
    public void A_timer_may_set_itself_and_clear_others_that_are_due_with_it()
    {
        var wheel = new TimerWheel();
        var victims = new Probe[3];
        for (int i = 0; i < victims.Length; i++)
        {
            victims[i] = new Probe(nowMs =>
            {
                foreach (Probe each in victims)
                    wheel.Clear(each);
                wheel.Set(victims[0], nowMs); // Not due any more in this millisecond: else it would go on for ever.
            });
            wheel.Set(victims[i], 5);
        }
        wheel.Expire(5);
        Assert.Equal(1, victims.Sum(each => each.Fired));
        wheel.Expire(6);
        Assert.Equal(2, victims.Sum(each => each.Fired));
    }

    private sealed class Probe(Action<long> onDue) : WheelTimer
    {
        public int Fired { get; private set; }

        public override void OnDue(long nowMs)
        {
            Fired++;
            onDue(nowMs);
        }
    }

    private sealed class Model
    {
        public static bool Run(Random random)
        {
            var wheel = new TimerWheel();
            var due = new Dictionary<Probe, long>();
            long nowMs = random.Next(10_000);
            wheel.Expire(nowMs);
            bool isRight = true;
            var all = Enumerable.Range(0, 20).Select(_ => default(Probe)!).ToArray();
            for (int i = 0; i < all.Length; i++)
            {
                int self = i;
                all[i] = new Probe(at => isRight &= due.Remove(all[self], out long dueAtMs) && dueAtMs <= at);
            }
            for (int step = 0; step < 200 && isRight; step++)
            {
                Probe timer = all[random.Next(all.Length)];
                switch (random.Next(3))
                {
                    case 0:
                        wheel.Set(timer, nowMs + random.Next(1, 9000));
                        due[timer] = timer.DueAtMs;
                        break;
                    case 1:
                        wheel.Clear(timer);
                        due.Remove(timer);
                        break;
                    default:
                        isRight &= due.Count == 0 ? wheel.NextDueMs is null : wheel.NextDueMs <= due.Values.Min();
                        nowMs += random.Next(2) == 0 ? random.Next(5) : random.Next(6000);
                        wheel.Expire(nowMs);
                        isRight &= due.Values.All(each => each > nowMs);
                        break;
                }
                isRight &= wheel.Count == due.Count;
            }
            return isRight;
        }
    }
}
