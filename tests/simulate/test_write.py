import zipfile

from transitmap.simulate import simulate_rides, write_dataset


def test_the_same_campaign_is_written_in_the_same_bytes(city, tmp_path):
    for name in ("a", "b"):
        write_dataset(simulate_rides(city, 5, 15, 4, days=3), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["headways.csv", "riders.csv", "rides.csv", "rides.zip", "runtimes.csv", "truth.zip"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_zip_holds_every_ride(dataset, folder):
    with zipfile.ZipFile(folder / "rides.zip") as archive:
        assert archive.namelist() == [f"{ride.ride}.gpx" for ride in dataset.rides]
        assert archive.read("ride-00000.gpx") == dataset.rides[0].gpx
